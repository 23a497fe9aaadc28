using VirtSecurity.Lab;

namespace VirtSecurity.LabTests;

/// <summary>What was executed on the host, recorded by the kernel's audit, not by us.</summary>
internal sealed class Recorder(LabMachine machine)
{
    // Each recording has its own: audit's log keeps the earlier ones.
    private int recording;

    /// <summary>Programs that change a host, by the name they run under.</summary>
    public static IReadOnlyList<string> Mutating { get; } =
    [
        "lvcreate", "lvremove", "lvchange", "mke2fs", "mkfs.xfs", "mkdir", "rmdir", "chmod", "chattr", "mount", "umount", "semanage", "restorecon", "chcon",
        "systemctl", "mv", "cp", "truncate",
    ];

    private string Key => $"recorded-{recording}";

    public Task StartAsync()
    {
        recording++;
        return machine.CheckAsync($"auditctl -D >/dev/null; auditctl -b 8192 >/dev/null; auditctl -a always,exit -F arch=b64 -S execve -k {Key}");
    }

    /// <summary>The names of programs that were executed since, in order, as often as they were.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        var result = await machine.CheckAsync($"""
            auditctl -D >/dev/null
            sync
            sleep 1
            ausearch -k {Key} --input-logs --raw 2>/dev/null | grep type=SYSCALL | grep -o 'comm="[^"]*"' | cut -d '"' -f 2
            """);
        return result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
