using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>What a script sees when something is not as it should be: id, category, target, and what to do next; and nothing was changed.</summary>
public sealed class ErrorTests(ErrorTests.Refusals refusals) : IClassFixture<ErrorTests.Refusals>
{
    public static TheoryData<string, string, string> Expected => new()
    {
        { "InvalidName", "InvalidArgument", "volumegroup/-v" },
        { "InvalidPath", "InvalidArgument", "volumegroup/path" },
        { "RefusedPath", "InvalidArgument", "volumegroup/etc" },
        { "FileSystemTooSmall", "InvalidArgument", "volumegroup/small" },
        { "InvalidMountOption", "InvalidArgument", "volumegroup/option" },
        { "AskedTwice", "InvalidArgument", "volumegroup/two" },
        { "NestedMountPoint", "InvalidArgument", "volumegroup/inner" },
        { "VolumeGroupNotFound", "ObjectNotFound", "nogroup/v" },
        { "VolumeGroupFull", "QuotaExceeded", "volumegroup/full" },
        { "NameTaken", "ResourceExists", "volumegroup/taken" },
        { "VolumeDiffers", "ResourceExists", "volumegroup/ours" },
        { "MountPointBusy", "ResourceBusy", "volumegroup/busy" },
        { "UnsafeParent", "SecurityError", "volumegroup/unsafe" },
        { "NotPrivileged", "PermissionDenied", "volumegroup/v" },
        { "PrivateMountNamespace", "SecurityError", "volumegroup/v" },
        { "SELinuxDisabled", "NotEnabled", "volumegroup/v" },
        { "SELinuxPermissive", "NotEnabled", "/var/lib/libvirt/images" },
        { "TypeUnknown", "ObjectNotFound", "volumegroup/v" },
        { "ToolNotFound", "NotInstalled", "volumegroup/v" },
        { "WrongHypervisor", "InvalidArgument", "volumegroup/xen" },
        { "HypervisorUnknown", "InvalidArgument", "volumegroup/v" },
        { "NotAnImageType", "InvalidArgument", "/virtstorage" },
        { "NotAnImagePlace", "InvalidArgument", "/images/link" },
        { "PathNotFound", "ObjectNotFound", "/nowhere" },
        { "FileContextNotUnderstood", "ParserError", "volumegroup/v" },
        { "FactUnknown", "InvalidResult", "volumegroup/v" },
        { "HostUnreachable", "ConnectionError", "ssh://127.0.0.1:1" },
        { "HostKeyUnknown", "SecurityError", "unknown" },
        { "AuthenticationFailed", "AuthenticationError", "stranger" },
        { "SudoRefused", "PermissionDenied", "ssh://nosudo?sudo" },
        { "NoShell", "ConnectionError", "noshell" },
    };

    [Theory]
    [MemberData(nameof(Expected))]
    public void EachHasItsIdCategoryTargetAndRemedy(string id, string category, string target)
    {
        var error = Assert.Single(refusals.Cases.Errors(id));
        Assert.Equal(id, error.Id);
        Assert.StartsWith($"{id},VirtSecurity.Commands.", error.FullId, StringComparison.Ordinal);
        Assert.Equal(category, error.Category);
        Assert.Equal(target, error.Target);
        Assert.NotEmpty(error.Message);
        Assert.NotEmpty(error.Action);
    }

    [Fact]
    public void NothingWasChanged() => Assert.All(refusals.All, host => Assert.Empty(host.Changes));

    /// <summary>One script, a host for each state that a host can be refused in.</summary>
    public sealed class Refusals : IDisposable
    {
        private readonly ScriptedHosts hosts = new();

        public Refusals()
        {
            Host("kvm1")
                .Volume("volumegroup", "taken", 1L << 30)
                .Volume("volumegroup", "ours", 1L << 30, "virtsecurity", "ext4")
                .Write("busy/something", "")
                .MakeDirectory("/shared", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute)
                .MakeDirectory("/virtstorage", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute)
                .MakeLink("/images/link", "/virtstorage");
            Host("user").Write("state/uid", "1000");
            Host("contained").Remove("proc/self/ns/mnt").Write("proc/self/ns/mnt", "");
            Host("off").Remove("sys/fs/selinux/enforce");
            Host("permissive").Write("sys/fs/selinux/enforce", "0");
            Host("bare").Remove("sys/fs/selinux/context").MakeDirectory("/sys/fs/selinux/context", UnixFileMode.UserRead);
            Host("toolless").Without("semanage");
            Host("plain").Remove("dev/kvm");
            Host("garbled").Write("etc/selinux/default/contexts/files/file_contexts.local", "/virtstorage\n");
            Host("ill").Fail("vgs", "  Command failed with status code 5.", 5);
            // What OpenSSH 9.2 and sudo 1.9.13 say.
            Host("unknown").Refuse("No ED25519 host key is known for unknown and you have requested strict checking.\nHost key verification failed.");
            Host("stranger").Refuse("root@stranger: Permission denied (publickey,password).");
            Host("nosudo").Fail("sudo", "sudo: a password is required");
            Host("noshell").Refuse("This account is currently not available.", 1);
            Cases = new Cases(hosts, Expected.Select(row => (row.Data.Item1, Code(row.Data.Item1))));
        }

        public Cases Cases { get; }
        public List<ScriptedHost> All { get; } = [];

        public void Dispose() => hosts.Dispose();

        private static string Code(string id) => id switch
        {
            "InvalidName" => "New-SecureGuestVolume volumegroup '-v' 1GB /v -VirtHost kvm1",
            "InvalidPath" => "New-SecureGuestVolume volumegroup path 1GB virtstorage/v -VirtHost kvm1",
            "RefusedPath" => "New-SecureGuestVolume volumegroup etc 1GB /etc/images -VirtHost kvm1",
            "FileSystemTooSmall" => "New-SecureGuestVolume volumegroup small 300MB /v -FileSystem Xfs -VirtHost kvm1",
            "InvalidMountOption" => "New-SecureGuestVolume volumegroup option 1GB /v -MountOption nodev,noexce -VirtHost kvm1",
            "AskedTwice" => "'one', 'two' | ForEach-Object { [pscustomobject]@{ Name = $_ } } | New-SecureGuestVolume volumegroup -Size 1GB -MountPoint /v -VirtHost kvm1 -WhatIf",
            "NestedMountPoint" => "[pscustomobject]@{ Name = 'outer'; MountPoint = '/v' }, [pscustomobject]@{ Name = 'inner'; MountPoint = '/v/w' } | New-SecureGuestVolume volumegroup -Size 1GB -VirtHost kvm1 -WhatIf",
            "VolumeGroupNotFound" => "New-SecureGuestVolume nogroup v 1GB /v -VirtHost kvm1",
            "VolumeGroupFull" => "New-SecureGuestVolume volumegroup full 11GB /v -VirtHost kvm1",
            "NameTaken" => "New-SecureGuestVolume volumegroup taken 1GB /v -VirtHost kvm1",
            "VolumeDiffers" => "New-SecureGuestVolume volumegroup ours 2GB /v -VirtHost kvm1",
            "MountPointBusy" => "New-SecureGuestVolume volumegroup busy 1GB /busy -VirtHost kvm1",
            "UnsafeParent" => "New-SecureGuestVolume volumegroup unsafe 1GB /shared/v -VirtHost kvm1",
            "NotPrivileged" => "New-SecureGuestVolume volumegroup v 1GB /v -VirtHost user",
            "PrivateMountNamespace" => "New-SecureGuestVolume volumegroup v 1GB /v -VirtHost contained",
            "SELinuxDisabled" => "New-SecureGuestVolume volumegroup v 1GB /v -VirtHost off",
            "SELinuxPermissive" => "Set-VirtImageContext -LiteralPath /var/lib/libvirt/images -VirtHost permissive",
            "TypeUnknown" => "New-SecureGuestVolume volumegroup v 1GB /v -VirtHost bare",
            "ToolNotFound" => "New-SecureGuestVolume volumegroup v 1GB /v -VirtHost toolless",
            "WrongHypervisor" => "New-SecureGuestVolume volumegroup xen 1GB /v -Hypervisor Xen -VirtHost kvm1",
            "HypervisorUnknown" => "New-SecureGuestVolume volumegroup v 1GB /v -VirtHost plain",
            "NotAnImageType" => "Set-VirtImageContext /virtstorage -SELinuxType svirt_image_t -VirtHost kvm1",
            "NotAnImagePlace" => "Set-VirtImageContext /images/link -VirtHost kvm1",
            "PathNotFound" => "Set-VirtImageContext /nowhere -VirtHost kvm1",
            "FileContextNotUnderstood" => "New-SecureGuestVolume volumegroup v 1GB /v -VirtHost garbled",
            "FactUnknown" => "New-SecureGuestVolume volumegroup v 1GB /v -VirtHost ill",
            // Nobody listens at port 1: the real ssh says so.
            "HostUnreachable" => "$path = $env:PATH; $env:PATH = '/usr/bin:/bin'; try { Connect-VirtHost 127.0.0.1:1 } finally { $env:PATH = $path }",
            "HostKeyUnknown" => "Connect-VirtHost unknown",
            "AuthenticationFailed" => "Connect-VirtHost stranger",
            "SudoRefused" => "Connect-VirtHost nosudo -Sudo",
            "NoShell" => "Connect-VirtHost noshell",
            _ => throw new ArgumentOutOfRangeException(nameof(id), id, "No code for it."),
        };

        private ScriptedHost Host(string name)
        {
            var host = hosts.Add(name);
            All.Add(host);
            return host;
        }
    }
}
