using System.Management.Automation;
using System.Text;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>
/// A host with images of every kind: each is judged rightly, beside what the policy's own tools say; what is wrong is put right in one commit, while a guest writes.
/// </summary>
public sealed class ImageLabelTests(LabFixture fixture) : LabTest(fixture)
{
    private const string Pool = "/var/lib/libvirt/images";

    // Two rules and an equivalence in one transaction; what restorecon gives an image that root has made keeps root's user.
    private const string Populate = $"""
        mkdir -p /srv/pool/sub /loose /vmstore /xfs /vfat /vfatc /var/lib/libvirt/isos
        printf '%s\n' "fcontext -a -f a -t virt_image_t -r s0 '/srv/pool(/.*)?'" "fcontext -a -f a -t virt_image_t -r s0 '/xfs(/.*)?'" "fcontext -a -e {Pool} /vmstore" | semanage import
        cd {Pool}
        touch right.img root.img moved.img shared.img ranged.img iso.img left.img /loose/a.img /loose/plain.img /vmstore/a.img /var/lib/libvirt/isos/a.iso \
          "/srv/pool/a b.img" "/srv/pool/it's \"q\".img" '/srv/pool/new
        line.img' /srv/pool/typed.img /srv/pool/hard.img
        # A name that is not UTF-8.
        touch "$(printf '/srv/pool/b\377d.img')"
        truncate -s 16M run.img
        ln -s /srv/pool /link
        ln /srv/pool/hard.img /loose/hard.img
        lvcreate -q -y -n xfs -L 320M volumegroup && mkfs.xfs -q /dev/volumegroup/xfs && mount /dev/volumegroup/xfs /xfs && touch /xfs/new.img /xfs/right.img
        lvcreate -q -y -n raw -L 16M volumegroup
        truncate -s 8M /root/vfat; mkfs.vfat /root/vfat >/dev/null; cp /root/vfat /root/vfatc
        mount -o loop /root/vfat /vfat; touch /vfat/a.img
        mount -o loop,context=system_u:object_r:virt_image_t:s0 /root/vfatc /vfatc; touch /vfatc/a.img
        restorecon -R {Pool} /srv/pool /vmstore /var/lib/libvirt/isos /loose/plain.img /xfs/right.img
        chcon -u system_u right.img
        chcon -t user_home_t moved.img
        chcon -t svirt_image_t shared.img
        chcon -t svirt_image_t -l s0:c8,c9 left.img
        chcon -l s0:c5 ranged.img
        chcon -t virt_content_t iso.img
        chcon -t etc_t /srv/pool/typed.img /srv/pool/b?d.img
        # As Fedora's policy has it.
        echo virt_content_t >>/etc/selinux/default/contexts/customizable_types
        lab-guest-define run {Pool}/run.img; lab-guest-define loose /loose/a.img
        virsh start run </dev/null
        lab-guest-wait run 60
        """;

    /// <summary>Path, verdict, whether that is compliant (null: not to be told), and why the policy's own tools say otherwise (null: they do not).</summary>
    private static readonly (string Path, string Verdict, bool? IsCompliant, string? Why)[] Cases =
    [
        ($"{Pool}", "Compliant", true, null),
        ($"{Pool}/right.img", "Compliant", true, null),
        ($"{Pool}/root.img", "WrongUser", true, null),
        ($"{Pool}/moved.img", "WrongType", false, null),
        ($"{Pool}/shared.img", "WrongType", false, null),
        ($"{Pool}/iso.img", "WrongType", false, "restorecon passes over customizable types; a guest still cannot write to it"),
        ($"{Pool}/left.img", "StaleCategories", false, null),
        ($"{Pool}/ranged.img", "StaleCategories", false, "restorecon looks at the type alone; a guest has other categories"),
        ($"{Pool}/run.img", "RunningGuest", true, "they know of no guests; its label is the one libvirt gave, and to set it would break the guest"),
        ("/loose/a.img", "NoRule", false, null),
        ("/loose/plain.img", "NoRule", false, "it is labelled as the policy has it, and that is no type for an image"),
        ("/loose/hard.img", "NoRule", false, null),
        ("/srv/pool", "WrongUser", true, null),
        ("/srv/pool/hard.img", "WrongUser", true, null),
        ("/srv/pool/a b.img", "WrongUser", true, null),
        ("/srv/pool/it's \"q\".img", "WrongUser", true, null),
        ("/srv/pool/new\nline.img", "WrongUser", true, null),
        ("/srv/pool/typed.img", "WrongType", false, null),
        ("/link/typed.img", "WrongType", false, null),
        ("/link", "WrongUser", true, null),
        ("/vmstore/a.img", "WrongUser", true, null),
        ("/xfs", "Unlabelled", false, null),
        ("/xfs/new.img", "Unlabelled", false, null),
        ("/xfs/right.img", "WrongUser", true, null),
        ("/var/lib/libvirt/isos/a.iso", "WrongUser", true, null),
        ("/vfat/a.img", "NotSupported", null, "no label can be set there: neither right nor wrong"),
        ("/vfatc/a.img", "Compliant", true, "the mount's option, not the policy, labels it, and it is an image type"),
        ("/dev/volumegroup/raw", "Compliant", true, null),
        ("/etc/shadow", "NoRule", false, "it is labelled as the policy has it, and that is no type for an image"),
    ];

    private const string WrongImages = "Get-VirtImage -VirtHost $lab | Test-VirtImageContext | Where-Object IsCompliant -eq $false";

    private static readonly string Wrong = $"Test-VirtImageContext {Pool}, /srv/pool, /link, /vmstore, /xfs, /vfat, /vfatc, /var/lib/libvirt/isos, /loose, /dev/volumegroup/raw -Recurse -VirtHost $lab | Where-Object IsCompliant -eq $false";

    [Fact]
    public async Task EveryKindIsJudgedAndWhatIsWrongIsPutRightInOneCommitWhileAGuestWrites()
    {
        await OnHost(Populate);
        var judged = PowerShell($"Test-VirtImageContext -LiteralPath {string.Join(", ", Cases.Select(one => Quoted(one.Path)))} -VirtHost $lab; Test-VirtImageContext /srv/pool/b?d.img -VirtHost $lab");
        Assert.Empty(judged.Errors);
        Assert.Equal(("/srv/pool/b\udcffd.img", "WrongType"), (Text(judged.Output[^1], "Path"), Text(judged.Output[^1], "Verdict")));
        var tests = judged.Output.SkipLast(1).ToArray();
        Assert.Equal(Cases.Select(one => (one.Path, one.Verdict, one.IsCompliant)), tests.Select(test => (Text(test, "Path"), Text(test, "Verdict"), (bool?)Value(test, "IsCompliant"))));
        Assert.Equal("run", Text(tests.Single(test => Text(test, "Verdict") == "RunningGuest"), "Guest"));
        await AgreesWithThePolicysTools(tests);

        var before = await OnHost($"stat -c %C {Pool}/run.img");
        var recorder = new Recorder(Machine);
        await recorder.StartAsync();
        var images = PowerShell($"{WrongImages} | Set-VirtImageContext");
        Assert.Empty(images.Errors);
        Assert.Equal(1, (await recorder.StopAsync()).Count(name => name == "semanage"));
        Assert.Superset(new HashSet<string> { $"{Pool}/moved.img", $"{Pool}/shared.img", $"{Pool}/iso.img", $"{Pool}/left.img", $"{Pool}/ranged.img", "/srv/pool/typed.img", "/loose/a.img" }, images.Output.Select(image => Text(image, "Path")).ToHashSet());
        Assert.All(images.Output, context => Assert.Equal(true, Value(context, "IsCompliant")));
        Assert.Equal(before, await OnHost($"stat -c %C {Pool}/run.img"));
        await OnHost("lab-guest-wait run 60");

        // By their places, those that no guest and no pool has as well. /loose/hard.img is /srv/pool/hard.img by another name, and has its label already: only the rule is missing.
        await recorder.StartAsync();
        var mended = PowerShell($"{Wrong} | Set-VirtImageContext");
        Assert.Empty(mended.Errors);
        Assert.Equal(1, (await recorder.StopAsync()).Count(name => name == "semanage"));
        Assert.NotEmpty(mended.Output);
        Assert.All(mended.Output, context => Assert.Equal(true, Value(context, "IsCompliant")));
        Assert.Equal(before, await OnHost($"stat -c %C {Pool}/run.img"));
        await OnHost("lab-guest-wait run 60");

        await recorder.StartAsync();
        var again = PowerShell($"{WrongImages} | Set-VirtImageContext; {Wrong} | Set-VirtImageContext; Test-VirtImageContext {Pool}, /loose -Recurse -Quiet -VirtHost $lab");
        Assert.Empty(again.Errors);
        Assert.Equal(true, Assert.Single(again.Output).BaseObject);
        Assert.Empty(Recorder.Mutating.Intersect(await recorder.StopAsync()));
        Assert.Equal("system_u:object_r:virt_image_t:s0", await OnHost($"stat -c %C {Pool}/left.img"));
        Assert.Equal("unconfined_u:object_r:virt_image_t:s0", await OnHost("stat -c %C /srv/pool/b?d.img"));
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task WhatAKilledGuestLeavesIsStaleAndWhatOthersHoldIsTheirs()
    {
        await OnHost($$"""
            cd {{Pool}}
            truncate -s 16M killed.img
            lvcreate -q -y -n held -L 16M volumegroup; lvcreate -q -y -n private -L 16M volumegroup
            lab-guest-define killed {{Pool}}/killed.img; lab-guest-define held /dev/volumegroup/held
            for g in killed held; do virsh start $g </dev/null; lab-guest-wait $g 60; done
            # libvirt would give the label back.
            systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd 2>/dev/null
            kill -9 $(cat /run/libvirt/qemu/killed.pid)
            # A /dev of the guest's own, as libvirt makes it where the policy lets it: there the node has the guest's label, on the host it has not.
            cp /usr/bin/sleep /root/qemu-system-x86
            n=$(stat -L -c '%Hr %Lr' /dev/volumegroup/private)
            unshare -m sh -c "mount --make-rprivate /; mount -t tmpfs none /dev; mknod /dev/disk b $n; chcon -t svirt_image_t -l s0:c1,c2 /dev/disk; exec runcon -l s0:c1,c2 -- /root/qemu-system-x86 600" >/dev/null 2>&1 </dev/null &
            for i in $(seq 100); do if grep -qs '^qemu-system-x86$' /proc/$!/comm; then break; fi; sleep 0.3; done
            """);
        var killed = await OnHost($"stat -c %C {Pool}/killed.img");
        Assert.Matches("svirt_image_t:s0:c", killed);

        var judged = PowerShell($"Test-VirtImageContext {Pool}/killed.img, /dev/volumegroup/held, /dev/volumegroup/private -VirtHost $lab");
        Assert.Empty(judged.Errors);
        Assert.Equal(["StaleCategories False", "RunningGuest True", "RunningGuest True"], judged.Output.Select(test => $"{Text(test, "Verdict")} {Text(test, "IsCompliant")}"));
        Assert.Equal(["", "held"], judged.Output.Take(2).Select(test => Text(test, "Guest")));
        Assert.Contains(":svirt_image_t:s0:c1,c2", Text(judged.Output[2], "Context"), StringComparison.Ordinal);
        Assert.Contains(":fixed_disk_device_t:", await OnHost("stat -L -c %C /dev/volumegroup/private"), StringComparison.Ordinal);

        Assert.Empty(PowerShell($"Set-VirtImageContext {Pool}/killed.img -VirtHost $lab").Errors);
        Assert.Equal("system_u:object_r:virt_image_t:s0", await OnHost($"stat -c %C {Pool}/killed.img"));
        // libvirtd calls the guest active until it has looked for its process.
        await OnHost("""
            systemctl start libvirtd
            for i in $(seq 60); do if virsh start killed </dev/null 2>/dev/null; then break; fi; sleep 1; done
            lab-guest-wait killed 60 && lab-guest-wait held 60
            """);
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task OnNfsNoLabelCanBeSetAndTheBooleanIsNamed()
    {
        await OnHost("""
            mkdir -p /export /nfs; touch /export/a.img
            echo '/export *(rw,no_root_squash,insecure,fsid=0)' >/etc/exports
            systemctl start nfs-server
            mount -t nfs4 -o vers=4.2,soft,timeo=100 127.0.0.1:/ /nfs
            """);
        Assert.Contains(":nfs_t:", await OnHost("stat -c %C /nfs/a.img"), StringComparison.Ordinal);
        var run = PowerShell("Test-VirtImageContext /nfs/a.img -VirtHost $lab -OutVariable tests; $tests | Set-VirtImageContext; Test-VirtImageContext /nfs -Recurse -Quiet -VirtHost $lab");
        Assert.Empty(run.Errors);
        Assert.Equal(("NotSupported", null), (Text(run.Output[0], "Verdict"), Value(run.Output[0], "IsCompliant")));
        Assert.Contains("setsebool -P virt_use_nfs on", Text(run.Output[0], "Message"), StringComparison.Ordinal);
        Assert.Contains("/nfs/a.img", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Null(Value(run.Output[1], "IsCompliant"));
        Assert.Equal(false, run.Output[2].BaseObject);
        Assert.DoesNotContain("/nfs", await OnHost("semanage fcontext -lC -n"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task TheUserIsJudgedStrictlyAndARuleGoesWithTheLabelsItGave()
    {
        await OnHost($"touch {Pool}/root.img; mkdir -m 0711 /store; touch /store/a.img; restorecon {Pool}/root.img; chcon -t virt_image_t /store /store/a.img");
        var strict = PowerShell($"""
            Test-VirtImageContext {Pool}/root.img -Quiet -VirtHost $lab
            Test-VirtImageContext {Pool}/root.img -Quiet -Strict -VirtHost $lab
            Set-VirtImageContext {Pool}/root.img -Strict -VirtHost $lab | ForEach-Object IsCompliant
            Test-VirtImageContext {Pool}/root.img -Quiet -Strict -VirtHost $lab
            Set-VirtImageContext /store -VirtHost $lab | ForEach-Object IsCompliant
            """);
        Assert.Empty(strict.Errors);
        Assert.Equal([true, false, true, true, true], strict.Output.Select(one => one.BaseObject));
        Assert.Equal("system_u:object_r:virt_image_t:s0", await OnHost($"stat -c %C {Pool}/root.img"));

        var removed = PowerShell("Get-VirtImageContextRule /store -VirtHost $lab | Remove-VirtImageContext -Confirm:$false; Set-VirtImageContext /store -Reset -VirtHost $lab");
        Assert.Empty(removed.Errors);
        Assert.All(removed.Output, context => Assert.Equal((false, "default_t"), ((bool)Value(context, "IsCompliant")!, Text(context, "ExpectedContext").Split(':')[2])));
        Assert.DoesNotContain("/store", await OnHost("cat /etc/selinux/default/contexts/files/file_contexts.local"), StringComparison.Ordinal);
        await OnHost("matchpathcon -V /store /store/a.img | grep -c verified | grep -qx 2");
    }

    /// <summary>Each label is the one that is there; and where no reason is given why not, ours is right where matchpathcon finds nothing wrong and restorecon has nothing to do.</summary>
    private async Task AgreesWithThePolicysTools(IReadOnlyList<PSObject> judged)
    {
        var targets = judged.Select(test => Text(test, "Target")).ToArray();
        var list = Convert.ToBase64String(Encoding.UTF8.GetBytes(string.Concat(targets.Select(path => path + "\0"))));
        var labels = (await OnHost($"echo {list} | base64 -d | xargs -0 stat -c %C --")).Split('\n');
        Assert.Equal(labels, judged.Select(test => Text(test, "Context")));
        var verified = "\n" + await OnHost($"echo {list} | base64 -d | xargs -0 matchpathcon -V || :") + "\n";
        var relabels = "\n" + await OnHost($"echo {list} | base64 -d | restorecon -n -v -0 -f -") + "\n";
        TestContext.Current.TestOutputHelper?.WriteLine(verified + relabels);
        Assert.All(Cases.Zip(targets), pair =>
        {
            var ((path, _, isCompliant, why), target) = pair;
            var isVerified = verified.Contains($"\n{target} verified.\n", StringComparison.Ordinal);
            var isSilent = !relabels.Contains($"\nWould relabel {target} from ", StringComparison.Ordinal);
            var isSame = isCompliant is { } right && isVerified == right && isSilent == right;
            Assert.True(isSame == why is null, $"{path}: verdict {isCompliant}, matchpathcon {isVerified}, restorecon {isSilent}");
        });
    }

    private static string Quoted(string path) => "'" + path.Replace("'", "''", StringComparison.Ordinal) + "'";
}
