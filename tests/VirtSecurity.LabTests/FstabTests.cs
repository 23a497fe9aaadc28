using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>/etc/fstab as it is found in the wild: every byte that is not ours stays, and so do its owner, mode, label, and the link it may be.</summary>
public sealed class FstabTests(LabFixture fixture) : LabTest(fixture)
{
    /// <summary>Tabs, four fields, comments at line ends, a carriage return, the same entry twice, escapes, bytes that are no UTF-8, 2,000 lines, no final newline.</summary>
    private const string Wild = """
        cp -a /etc/fstab /root/fstab
        {
          printf 'tmpfs\t/mnt/a\t\ttmpfs\tnoauto\n/dev/sr0  /media/cdrom0   udf,iso9660 user,noauto\n'
          printf 'tmpfs /mnt/b tmpfs noauto 0 0 # by hand\ntmpfs /mnt/c tmpfs noauto 0 0\r\n'
          printf 'tmpfs /mnt/d tmpfs noauto 0 0\ntmpfs /mnt/d tmpfs noauto 0 0\n'
          printf 'tmpfs /mnt/with\\040blank tmpfs noauto 0 0\n# \xff\xfe caf\xe9 \n\n   \n'
          for i in $(seq 2000); do echo "tmpfs /mnt/many/$i tmpfs noauto,size=${i}k 0 0"; done
          printf '# the end, without a newline'
        } >>/etc/fstab
        """;

    [Fact]
    public async Task EveryByteThatIsNotOursStaysAndModeAndLabelToo()
    {
        await OnHost(Wild + "\nchown root:adm /etc/fstab; chmod 0640 /etc/fstab; chcon -t etc_runtime_t /etc/fstab; cp -a /etc/fstab /root/wild");
        var self = await OnHost("stat -c '%a %U:%G %C' /etc/fstab");

        var made = PowerShell("New-SecureGuestVolume volumegroup images 64MB -MountPoint '/virt storage' -VirtHost $lab");
        Assert.Empty(made.Errors);
        Assert.Equal(self, await OnHost("stat -c '%a %U:%G %C' /etc/fstab"));
        // What was there, then a newline, then our line.
        Assert.Equal("same", await OnHost("head -c $(stat -c %s /root/wild) /etc/fstab | cmp - /root/wild && echo same"));
        Assert.Matches(@"^/dev/volumegroup/images /virt\\040storage ext4 \S+ 0 0$", await OnHost("tail -c +$(($(stat -c %s /root/wild) + 2)) /etc/fstab"));
        Assert.Equal("/dev/volumegroup/images", await OnHost("findmnt --fstab -n -o SOURCE --target '/virt storage'"));
        Assert.Equal("2006", await OnHost("findmnt --fstab -rn -t tmpfs -o TARGET | wc -l"));

        Assert.Empty(PowerShell("Get-SecureGuestVolume -VirtHost $lab | Remove-SecureGuestVolume -Confirm:$false").Errors);
        Assert.Equal(self, await OnHost("stat -c '%a %U:%G %C' /etc/fstab"));
        // The newline that its last line was given stays.
        Assert.Equal("same", await OnHost("echo >>/root/wild; cmp /etc/fstab /root/wild && echo same"));
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task ALinkStaysALinkAndWhatMayNotBeChangedIsNot()
    {
        await OnHost("mkdir /etc/static && mv /etc/fstab /etc/static/fstab && ln -s static/fstab /etc/fstab && cp -a /etc/static/fstab /root/fstab");
        var linked = PowerShell("""
            New-SecureGuestVolume volumegroup images 64MB -MountPoint /virtstorage -VirtHost $lab
            Get-VirtChange -VirtHost $lab | Undo-VirtChange -Confirm:$false
            """);
        Assert.Empty(linked.Errors);
        Assert.Equal("static/fstab", await OnHost("readlink /etc/fstab"));
        Assert.Equal("same", await OnHost("cmp /etc/static/fstab /root/fstab && echo same"));

        await OnHost("rm /etc/fstab && mv /etc/static/fstab /etc/fstab && rmdir /etc/static && chattr +i /etc/fstab");
        var before = await HostState();
        var refused = PowerShell("New-SecureGuestVolume volumegroup images 64MB -MountPoint /virtstorage -VirtHost $lab");
        Assert.Empty(refused.Output);
        Assert.Contains("the step 'fstab' failed: ", Text(Assert.Single(refused.Errors), "Message"), StringComparison.Ordinal);
        Assert.Contains("Operation not permitted", Text(refused.Errors[0], "Message"), StringComparison.Ordinal);
        Assert.Equal(before, await HostState());
    }
}
