using System.Management.Automation;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>From our exception to PowerShell's error record.</summary>
internal static class ErrorRecords
{
    /// <summary>Ids whose category says more than "the tool did not do it".</summary>
    private static readonly Dictionary<string, ErrorCategory> Categories = new()
    {
        ["InvalidVirtHost"] = ErrorCategory.InvalidArgument,
        ["InvalidName"] = ErrorCategory.InvalidArgument,
        ["InvalidPath"] = ErrorCategory.InvalidArgument,
        ["InvalidSize"] = ErrorCategory.InvalidArgument,
        ["InvalidMountOption"] = ErrorCategory.InvalidArgument,
        ["RefusedPath"] = ErrorCategory.InvalidArgument,
        ["FileSystemTooSmall"] = ErrorCategory.InvalidArgument,
        ["NotAnImageType"] = ErrorCategory.InvalidArgument,
        ["NotAnImagePlace"] = ErrorCategory.InvalidArgument,
        ["WrongHypervisor"] = ErrorCategory.InvalidArgument,
        ["HypervisorUnknown"] = ErrorCategory.InvalidArgument,
        ["VolumeNotNamed"] = ErrorCategory.InvalidArgument,
        ["RepairUndecided"] = ErrorCategory.InvalidOperation,
        ["VolumeNotFound"] = ErrorCategory.ObjectNotFound,
        ["AskedTwice"] = ErrorCategory.InvalidArgument,
        ["NestedMountPoint"] = ErrorCategory.InvalidArgument,
        ["KeepOrWipe"] = ErrorCategory.InvalidArgument,
        ["SizeTooSmall"] = ErrorCategory.InvalidArgument,
        ["NotALogicalVolume"] = ErrorCategory.InvalidArgument,
        ["CannotWipe"] = ErrorCategory.InvalidArgument,
        ["CannotGrow"] = ErrorCategory.InvalidArgument,
        ["SystemMount"] = ErrorCategory.InvalidArgument,
        ["VolumeInUse"] = ErrorCategory.ResourceBusy,
        ["VolumeNotMounted"] = ErrorCategory.InvalidOperation,
        ["TypeUnknown"] = ErrorCategory.ObjectNotFound,
        ["PathNotFound"] = ErrorCategory.ObjectNotFound,
        ["LabelsUnreadable"] = ErrorCategory.ReadError,
        ["RuleNotFound"] = ErrorCategory.ObjectNotFound,
        ["RuleNotPlain"] = ErrorCategory.InvalidArgument,
        ["VolumeGroupNotFound"] = ErrorCategory.ObjectNotFound,
        ["ThinPoolNotFound"] = ErrorCategory.ObjectNotFound,
        ["ThinPoolFull"] = ErrorCategory.QuotaExceeded,
        ["ThinPoolNotZeroing"] = ErrorCategory.SecurityError,
        ["DeviceNotFound"] = ErrorCategory.ObjectNotFound,
        ["DeviceNotUsable"] = ErrorCategory.InvalidArgument,
        ["DeviceInUse"] = ErrorCategory.ResourceBusy,
        ["DeviceUnreadable"] = ErrorCategory.ReadError,
        ["DeviceNotEmpty"] = ErrorCategory.ResourceExists,
        ["NameTaken"] = ErrorCategory.ResourceExists,
        ["VolumeDiffers"] = ErrorCategory.ResourceExists,
        ["MountPointBusy"] = ErrorCategory.ResourceBusy,
        ["LockTimedOut"] = ErrorCategory.ResourceBusy,
        ["VolumeGroupFull"] = ErrorCategory.QuotaExceeded,
        ["NoSpaceLeft"] = ErrorCategory.QuotaExceeded,
        ["UnsafeParent"] = ErrorCategory.SecurityError,
        ["HostKeyUnknown"] = ErrorCategory.SecurityError,
        ["PrivateMountNamespace"] = ErrorCategory.SecurityError,
        ["AuthenticationFailed"] = ErrorCategory.AuthenticationError,
        ["NotPrivileged"] = ErrorCategory.PermissionDenied,
        ["SudoRefused"] = ErrorCategory.PermissionDenied,
        ["HostUnreachable"] = ErrorCategory.ConnectionError,
        ["NoShell"] = ErrorCategory.ConnectionError,
        ["ConnectionLost"] = ErrorCategory.ConnectionError,
        ["ConnectionLostDuring"] = ErrorCategory.ConnectionError,
        ["ToolNotFound"] = ErrorCategory.NotInstalled,
        ["SELinuxDisabled"] = ErrorCategory.NotEnabled,
        ["SELinuxPermissive"] = ErrorCategory.NotEnabled,
        ["ToolTimedOut"] = ErrorCategory.OperationTimeout,
        ["Stopped"] = ErrorCategory.OperationStopped,
        ["NotAsAsked"] = ErrorCategory.InvalidResult,
        ["UnsupportedClient"] = ErrorCategory.NotImplemented,
        ["FileContextNotUnderstood"] = ErrorCategory.ParserError,
        ["FactUnknown"] = ErrorCategory.InvalidResult,
        ["DefinitionNotUnderstood"] = ErrorCategory.ParserError,
        ["PlaceUnreadable"] = ErrorCategory.ReadError,
        ["ImageNotFound"] = ErrorCategory.ObjectNotFound,
        ["OrphansUnknown"] = ErrorCategory.InvalidResult,
        ["RuleUnknown"] = ErrorCategory.ObjectNotFound,
        ["CategoryUnknown"] = ErrorCategory.ObjectNotFound,
        ["FactsNewer"] = ErrorCategory.InvalidData,
        ["FactNotUnderstood"] = ErrorCategory.InvalidData,
        ["PlanForOtherHypervisor"] = ErrorCategory.InvalidArgument,
        ["RunNotFound"] = ErrorCategory.ObjectNotFound,
        ["RunIsWorking"] = ErrorCategory.ResourceBusy,
        ["UnfinishedRun"] = ErrorCategory.ResourceBusy,
        ["NotToBeFinished"] = ErrorCategory.InvalidOperation,
        ["JournalDamaged"] = ErrorCategory.InvalidData,
        ["JournalNewer"] = ErrorCategory.InvalidData,
        ["JournalTooOld"] = ErrorCategory.InvalidData,
    };

    /// <summary>The record: the exception's id, the user's object as target, and what to do next.</summary>
    public static ErrorRecord From(VirtException problem, object? target) =>
        new(problem, problem.Id, Categories.GetValueOrDefault(problem.Id, ErrorCategory.WriteError), target)
        {
            ErrorDetails = new ErrorDetails(problem.Message) { RecommendedAction = problem.Remedy },
        };
}
