using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>Why a call did not do its work: the error's id, and the tool's own words.</summary>
internal sealed record ToolFailure(string Id, string Words)
{
    /// <summary>For each tool, what its exit codes mean where one says more than "failed". Source: each tool's man page.</summary>
    private static readonly Dictionary<string, IReadOnlyDictionary<int, string>> ExitCodes = new()
    {
        ["lvcreate"] = Lvm.ExitCodes,
        ["lvremove"] = Lvm.ExitCodes,
        ["lvchange"] = Lvm.ExitCodes,
        ["lvextend"] = Lvm.ExitCodes,
        ["mount"] = Mount.ExitCodes,
        ["umount"] = Mount.ExitCodes,
        [Semanage.ImportName] = Semanage.ExitCodes,
        [Fstab.AppendName] = Fstab.ExitCodes,
        [Fstab.RemoveName] = Fstab.ExitCodes,
        [DeviceGuard.MakeName] = DeviceGuard.ExitCodes,
        [DeviceGuard.UnmakeName] = DeviceGuard.ExitCodes,
        [FstabLines.TakeName] = Fstab.ExitCodes,
        [FstabLines.PutName] = Fstab.ExitCodes,
        [FstabOptions.ReplaceName] = Fstab.ExitCodes,
    };

    /// <summary>The failure that a result is. The exit code decides, standard error explains.</summary>
    public static ToolFailure Of(ToolResult result)
    {
        var words = result.Stderr.Length > 0 ? result.Stderr : result.Stdout.Trim();
        return result.Outcome switch
        {
            ToolOutcome.NotFound => new("ToolNotFound", $"{result.Call.Argv[0]}: not found in /usr/sbin, /usr/bin, /sbin or /bin"),
            ToolOutcome.TimedOut => new("ToolTimedOut", words.Length > 0 ? words : $"no answer within {result.Call.TimeLimit.TotalSeconds:0} s"),
            ToolOutcome.Stopped or ToolOutcome.NotRun => new("Stopped", words.Length > 0 ? words : "stopped by the user"),
            ToolOutcome.Lost => new("ConnectionLostDuring", "the connection was lost while it ran"),
            _ => new(IdOf(result, words), words.Length > 0 ? words : $"exit code {result.ExitCode}"),
        };
    }

    private static string IdOf(ToolResult result, string words)
    {
        // The one thing every tool says alike, and no tool has an exit code for.
        if (words.Contains("No space left on device", StringComparison.Ordinal)) return "NoSpaceLeft";
        return ExitCodes.TryGetValue(result.Call.Tool, out var codes) && codes.TryGetValue(result.ExitCode, out var id) ? id : "ToolFailed";
    }
}
