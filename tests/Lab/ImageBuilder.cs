namespace VirtSecurity.Lab;

/// <summary>Makes the root disk without booting it: packages, settings and labels are written from outside.</summary>
internal static class ImageBuilder
{
    // Raised when the way of building changes in something that no script or list shows.
    private const string FormatVersion = "2";
    private const string RootDiskSize = "8G";

    private static string Key() =>
        LabCache.Key([FormatVersion, RootDiskSize, LabFlavour.Suite, string.Join(' ', LabFlavour.Packages),
            .. BuildResources().SelectMany(name => new[] { name, LabCache.Resource(name) })]);

    public static LabImage Locate(LabCache cache) => new(Path.Combine(cache.Root, $"image-{Key()}"));

    /// <summary>The image from the cache, or a new one: about 3 minutes, 1.1 GB, root only.</summary>
    public static async Task<LabImage> EnsureAsync(LabCache cache, IProgress<string>? progress, CancellationToken ct)
    {
        var image = Locate(cache);
        if (Directory.Exists(image.Folder))
            return image;
        await HostPackages.EnsureForBuildAsync(progress, ct).ConfigureAwait(false);
        var work = LabCache.TemporaryFolder(image.Folder);
        await BuildAsync(new LabImage(work), progress, ct).ConfigureAwait(false);
        Directory.Move(work, image.Folder);
        return image;
    }

    // The first boot runs on a finished image and has a key of its own.
    private static IEnumerable<string> BuildResources() =>
        LabCache.ResourceNames().Where(name => name != ReadyBuilder.FirstBootScript);

    private static async Task BuildAsync(LabImage image, IProgress<string>? progress, CancellationToken ct)
    {
        var root = Path.Combine(image.Folder, "root");
        var files = Path.Combine(image.Folder, "files");
        Directory.CreateDirectory(files);
        foreach (var name in BuildResources())
            await File.WriteAllTextAsync(Path.Combine(files, name), LabCache.Resource(name), ct).ConfigureAwait(false);
        await Tool.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "virtsecurity-lab", "-f", image.IdentityFile], ct).ConfigureAwait(false);

        await LabStep.RunAsync(progress, "unpacking Debian (about 140 s)", () => ContainedAsync(
            ["mmdebstrap", "--mode=root", "--variant=apt", "--include=" + string.Join(',', LabFlavour.Packages), "--format=directory", LabFlavour.Suite, root], ct)).ConfigureAwait(false);
        await LabStep.RunAsync(progress, "customising", () => ContainedAsync(
            ["bash", Path.Combine(files, "customise.sh"), root, files, image.IdentityFile + ".pub"], ct)).ConfigureAwait(false);
        await LabStep.RunAsync(progress, "labelling", () => LabelAsync(root, ct)).ConfigureAwait(false);
        await LabStep.RunAsync(progress, "writing the root disk", () => WriteDiskAsync(image, root, ct)).ConfigureAwait(false);

        Directory.CreateDirectory(image.BootFolder);
        File.Copy(Directory.GetFiles(Path.Combine(root, "boot"), "vmlinuz-*").Single(), Path.Combine(image.BootFolder, "vmlinuz"));
        File.Copy(Directory.GetFiles(Path.Combine(root, "boot"), "initrd.img-*").Single(), Path.Combine(image.BootFolder, "initrd"));
        // QEMU loads a multiboot kernel as it is, not packed.
        await Tool.RunAsync("sh", ["-c", "gzip -dc \"$1\" >\"$2\"", "unpack", Directory.GetFiles(Path.Combine(root, "boot"), "xen-*-amd64.gz").Single(), Path.Combine(image.BootFolder, "xen")], ct).ConfigureAwait(false);
        var hostKey = await File.ReadAllTextAsync(Path.Combine(root, "etc/ssh/ssh_host_ed25519_key.pub"), ct).ConfigureAwait(false);
        await File.WriteAllTextAsync(image.KnownHosts, $"{SshConfigFile.HostKeyAlias} {hostKey}", ct).ConfigureAwait(false);
        await File.WriteAllTextAsync(
            Path.Combine(image.Folder, "packages.txt"),
            await Tool.RunAsync("dpkg-query", ["--root=" + root, "-W"], ct).ConfigureAwait(false),
            ct).ConfigureAwait(false);
        // Not Directory.Delete: names in a Debian tree need not be UTF-8.
        await Tool.RunAsync("rm", ["-rf", "--one-file-system", root, files], ct).ConfigureAwait(false);
    }

    // In namespaces of its own: when it is killed half-way everything it started dies with it, and no mount of /proc or /dev
    // stays behind in a tree that the next build deletes.
    private static Task<string> ContainedAsync(string[] command, CancellationToken ct) =>
        Tool.RunAsync("unshare", ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", .. command], ct);

    private static async Task LabelAsync(string root, CancellationToken ct)
    {
        // The store's name is the distribution's choice (default, targeted, mls): read, never assumed.
        var config = await File.ReadAllLinesAsync(Path.Combine(root, "etc/selinux/config"), ct).ConfigureAwait(false);
        var store = config.Single(line => line.StartsWith("SELINUXTYPE=", StringComparison.Ordinal))["SELINUXTYPE=".Length..].Trim();
        var contexts = Path.Combine(root, "etc/selinux", store, "contexts/files/file_contexts");
        await Tool.RunAsync("setfiles", ["-r", root, contexts, root], ct).ConfigureAwait(false);
    }

    private static async Task WriteDiskAsync(LabImage image, string root, CancellationToken ct)
    {
        var raw = Path.Combine(image.Folder, "root.img");
        await Tool.RunAsync("truncate", ["-s", RootDiskSize, raw], ct).ConfigureAwait(false);
        await Tool.RunAsync("mke2fs", ["-q", "-t", "ext4", "-d", root, raw], ct).ConfigureAwait(false);
        await Tool.RunAsync("qemu-img", ["convert", "-O", "qcow2", raw, image.RootDisk], ct).ConfigureAwait(false);
        File.Delete(raw);
    }
}
