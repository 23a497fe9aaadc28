using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>The real scripts find the roots of stores, and the paths of rules, however they are called.</summary>
public sealed class StorePathsTests
{
    private static readonly string[] Names = ["plain", "a b", "a 1", @"back\slash", "100%s", "tab\there", "it's \"q\"", "-d", "ü漢", "dot.ted", "new\nline"];

    public static TheoryData<string> PathNames => [.. Names.Where(name => !name.Contains('\n', StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(PathNames))]
    public void APatternGivesItsPathBack(string name)
    {
        Assert.Equal("/srv/" + name, PathPattern.PathOf(PathPattern.ForTree("/srv/" + name)));
        Assert.Equal("/srv/" + name, PathPattern.PathOf(PathPattern.ForPath("/srv/" + name)));
    }

    // As administrators write them.
    [Theory]
    [InlineData("/virtualization(/.*)?", "/virtualization")]
    [InlineData("/virtualization/.*", "/virtualization")]
    [InlineData("/my.images(/.*)?", "/my.images")]
    [InlineData(@"/my\.images\-2(/.*)?", "/my.images-2")]
    [InlineData("/virt[0-9]+(/.*)?", null)]
    [InlineData("/(a|b)(/.*)?", null)]
    [InlineData(@"/a\sb(/.*)?", null)]
    [InlineData("relative", null)]
    public void OnlyAPlainPatternIsAPath(string pattern, string? path) => Assert.Equal(path, PathPattern.PathOf(pattern));

    [Fact]
    public async Task RootsAndRulesOfAnyNameAreFoundAndOtherMountsAreNotTouched()
    {
        using var files = new TemporaryDirectory();
        var mounted = Names.Select(name => files.Of("mounted " + name)).ToArray();
        var ruled = Names.Where(name => !name.Contains('\n', StringComparison.Ordinal)).Select(name => files.Of("ruled " + name)).ToArray();
        var first = files.Of("its-name-comes-first");
        foreach (var path in mounted.Concat(ruled).Append(first)) Directory.CreateDirectory(path);
        var (nfs, fuse, other) = (files.Of("nfs"), files.Of("fuse"), files.Of("other"));
        foreach (var path in (string[])[nfs, fuse, other]) Directory.CreateDirectory(path);
        File.WriteAllText(files.Of("mountinfo"),
            string.Concat(mounted.Select((path, i) => $"{30 + i} 27 253:{i} / {Escape(path)} rw,relatime shared:{i} - ext4 /dev/mapper/vg-{i} rw,seclabel\n"))
            + $"80 27 0:44 / {Escape(nfs)} rw - nfs4 server:/export rw\n81 27 0:45 / {Escape(fuse)} rw - fuse.sshfs /dev/fuse rw\n");
        Directory.CreateDirectory(files.Of("selinux/default/contexts/files"));
        File.WriteAllText(files.Of("selinux/config"), "SELINUX=enforcing\nSELINUXTYPE=default\n");
        File.WriteAllText(files.Of("selinux/default/contexts/files/file_contexts.local"),
            "# /commented(/.*)?    system_u:object_r:virt_image_t:s0\n"
            + string.Concat(ruled.Select(path => $"{PathPattern.ForTree(path)}    system_u:object_r:virt_image_t:s0\n"))
            + $"{PathPattern.ForTree(first).Replace(@"\x2d", @"[\x2d]", StringComparison.Ordinal)}    system_u:object_r:virt_image_t:s0\n"
            + $"{PathPattern.ForTree(other)}    system_u:object_r:httpd_t:s0\n{PathPattern.ForTree(files.Of("missing"))}    system_u:object_r:xen_image_t:s0\n");

        var results = await ShellBatch.RunAsync("/bin/sh", false, [.. new[] { StorePaths.Inodes(), StorePaths.FreeSpace() }.Select(call => call with
        {
            Argv = [.. call.Argv.Select(word => word.Replace("/proc/self/mountinfo", files.Of("mountinfo"), StringComparison.Ordinal).Replace("/etc/selinux", files.Of("selinux"), StringComparison.Ordinal))],
        })]);

        Assert.All(results, result => Assert.True(result.Succeeded, result.Stderr));
        // A mount point with a line break cannot be a store: HostPath refuses it.
        string[] Plain(IEnumerable<string> paths) => [.. paths.Where(path => !path.Contains('\n', StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.Equal(Plain(mounted.Concat(ruled).Append(first)), Plain(Coreutils.ReadStat(results[0]).Select(inode => inode.Path)));
        Assert.All(Coreutils.ReadStat(results[0]), inode => Assert.True(inode.IsDirectory));
        var free = StorePaths.ReadFreeSpace(results[1]);
        Assert.Equal(Plain(mounted), Plain(free.Keys));
        Assert.All(free.Values, bytes => Assert.True(bytes > 0));
    }

    private static string Escape(string path) => path
        .Replace(@"\", @"\134", StringComparison.Ordinal).Replace(" ", @"\040", StringComparison.Ordinal).Replace("\t", @"\011", StringComparison.Ordinal).Replace("\n", @"\012", StringComparison.Ordinal);
}
