namespace VirtSecurity.Lab;

/// <summary>What the building machine needs, installed with apt-get where it is missing.</summary>
internal static class HostPackages
{
    private sealed record Requirement(string Package, Func<bool> IsThere);

    private static Requirement Program(string package, string program) => new(package, () => Tool.Find(program) is not null);

    private static readonly Requirement[] ToRun =
    [
        Program("qemu-system-x86", "qemu-system-x86_64"),
        Program("qemu-utils", "qemu-img"),
        Program("openssh-client", "ssh"),
        Program("tar", "tar"),
    ];

    private static readonly Requirement[] ToBuild =
    [
        Program("mmdebstrap", "mmdebstrap"),
        Program("gpg", "gpg"), // mmdebstrap only recommends it, and reads the keyrings with it.
        Program("policycoreutils", "setfiles"),
        Program("e2fsprogs", "mke2fs"),
        Program("binutils", "as"),
        // Only an Ubuntu lacks it: the keys by which Debian's packages are checked.
        new("debian-archive-keyring", () => File.Exists("/usr/share/keyrings/debian-archive-keyring.gpg")),
    ];

    private static readonly Requirement[] ToServe = [Program("openssh-server", "sshd"), Program("openssh-client", "ssh"), Program("openssh-client", "ssh-keygen")];

    public static Task EnsureForRunAsync(IProgress<string>? progress, CancellationToken ct) => EnsureAsync(ToRun, progress, ct);

    /// <summary>For many sshd of this machine's own.</summary>
    public static Task EnsureForServingAsync(IProgress<string>? progress, CancellationToken ct) => EnsureAsync(ToServe, progress, ct);

    /// <summary>Making the image also needs root: device nodes, foreign owners and security.selinux are written.</summary>
    public static Task EnsureForBuildAsync(IProgress<string>? progress, CancellationToken ct)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new LabException("The lab's image is not there yet, and only root can build it (device nodes, owners, SELinux labels). Run `tests/Lab -- build` once as root.");
        return EnsureAsync([.. ToRun, .. ToBuild], progress, ct);
    }

    private static async Task EnsureAsync(Requirement[] requirements, IProgress<string>? progress, CancellationToken ct)
    {
        string[] missing = [.. requirements.Where(r => !r.IsThere()).Select(r => r.Package)];
        if (missing.Length == 0)
            return;
        var names = string.Join(' ', missing);
        if (!Environment.IsPrivilegedProcess)
            throw new LabException($"The lab needs these packages, and only root may install them: apt-get install {names}");
        if (Tool.Find("apt-get") is null)
            throw new LabException($"The lab needs these packages, and this machine has no apt-get to install them: {names}");
        await LabStep.RunAsync(progress, $"installing {names}", async () =>
        {
            await Tool.RunAsync("apt-get", ["update", "-q"], ct).ConfigureAwait(false);
            await Tool.RunAsync("env", ["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends", .. missing], ct).ConfigureAwait(false);
        }).ConfigureAwait(false);
        if (requirements.FirstOrDefault(r => !r.IsThere()) is { } still)
            throw new LabException($"Package {still.Package} was installed, and what the lab needs from it is still not there.");
    }
}
