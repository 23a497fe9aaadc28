using System.Globalization;
using System.Text;
using CliWrap;
using VirtSecurity.Lab;

namespace VirtSecurity.Benchmarks;

/// <summary>N volumes for guests, from nothing to labelled.</summary>
internal static class Volumes
{
    private const string ByHand = "by hand, bash";
    private const string Ansible = "Ansible";
    private const string Cold = "VirtSecurity, cold";
    private const string Warm = "VirtSecurity, warm";

    /// <summary>The table, as Markdown: seconds, and their ratio to those by hand and with Ansible.</summary>
    /// <param name="machine">The lab machine.</param>
    /// <param name="counts">How many volumes.</param>
    /// <param name="rounds">How often each is measured; the smallest time counts.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="LabException">A way did not do what it is measured for.</exception>
    public static async Task<string> RunAsync(LabMachine machine, IReadOnlyList<int> counts, int rounds, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("vsbench");
        try
        {
            (string Name, Func<int, Task<double>> Measure)[] ways =
            [
                (ByHand, count => ByHandAsync(machine, count, ct)),
                (Ansible, count => AnsibleAsync(machine, folder.FullName, count, ct)),
                (Cold, count => ColdAsync(machine, count, ct)),
                (Warm, count => WarmAsync(machine, count, ct)),
            ];
            var table = new StringBuilder("| volumes | way | s | of by hand | of Ansible |\n|---:|---|---:|---:|---:|\n");
            foreach (var count in counts)
            {
                var times = new Dictionary<string, double>();
                foreach (var way in Enumerable.Repeat(ways, rounds).SelectMany(all => all))
                {
                    await machine.ResetAsync(ct).ConfigureAwait(false);
                    var time = await way.Measure(count).ConfigureAwait(false);
                    await RequireMadeAsync(machine, count, ct).ConfigureAwait(false);
                    times[way.Name] = Math.Min(time, times.GetValueOrDefault(way.Name, double.MaxValue));
                    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{count} {way.Name}: {time:0.0} s")).ConfigureAwait(false);
                }

                foreach (var (name, time) in times)
                    table.Append(CultureInfo.InvariantCulture, $"| {count} | {name} | {time:0.0} | {time / times[ByHand]:0.00} | {time / times[Ansible]:0.00} |\n");
            }

            return table.ToString();
        }
        finally
        {
            folder.Delete(true);
        }
    }

    /// <summary>The printed procedure's commands, in one ssh, one volume after another.</summary>
    private static Task<double> ByHandAsync(LabMachine machine, int count, CancellationToken ct) => PowerShell.TimeAsync(
        Cli.Wrap("ssh").WithArguments(["-F", machine.SshConfigPath, "virtlab", "bash -s"]),
        "set -e\n" + string.Concat(Enumerable.Range(0, count).Select(i => $"""
            lvcreate -q -n v{i} -L 512M volumegroup
            mke2fs -q -j /dev/volumegroup/v{i}
            mkdir /v{i}
            mount /dev/volumegroup/v{i} /v{i}
            semanage fcontext -a -t virt_image_t "/v{i}(/.*)?"
            restorecon -R /v{i}

            """)),
        ct);

    /// <summary>The same by Ansible's own modules, with pipelining, and without gathering facts.</summary>
    private static async Task<double> AnsibleAsync(LabMachine machine, string folder, int count, CancellationToken ct)
    {
        var playbook = Path.Combine(folder, "volumes.yml");
        await File.WriteAllTextAsync(playbook, $$"""
            - hosts: all
              gather_facts: false
              vars: { volumes: [{{string.Join(", ", Enumerable.Range(0, count).Select(i => $"v{i}"))}}] }
              tasks:
                - { community.general.lvol: { vg: volumegroup, lv: "{{"{{ item }}"}}", size: 512m }, loop: "{{"{{ volumes }}"}}" }
                - { community.general.filesystem: { fstype: ext3, dev: "/dev/volumegroup/{{"{{ item }}"}}" }, loop: "{{"{{ volumes }}"}}" }
                - { ansible.posix.mount: { path: "/{{"{{ item }}"}}", src: "/dev/volumegroup/{{"{{ item }}"}}", fstype: ext3, opts: "nodev,nosuid,noexec,nofail", state: mounted }, loop: "{{"{{ volumes }}"}}" }
                - { community.general.sefcontext: { target: "/{{"{{ item }}"}}(/.*)?", setype: virt_image_t }, loop: "{{"{{ volumes }}"}}" }
                - { ansible.builtin.command: "restorecon -R /{{"{{ item }}"}}", loop: "{{"{{ volumes }}"}}" }

            """, ct).ConfigureAwait(false);
        var command = Cli.Wrap("ansible-playbook").WithArguments(["-i", "virtlab,", playbook]).WithEnvironmentVariables(new Dictionary<string, string?>
        {
            ["ANSIBLE_PIPELINING"] = "1",
            ["ANSIBLE_SSH_ARGS"] = $"-F {machine.SshConfigPath} -o ControlMaster=auto -o ControlPersist=60s",
            ["ANSIBLE_SSH_CONTROL_PATH_DIR"] = Directory.CreateDirectory(Path.Combine(folder, Guid.NewGuid().ToString("N")[..8])).FullName,
            ["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3",
            ["ANSIBLE_LOCALHOST_WARNING"] = "0",
            ["LC_ALL"] = "C.UTF-8",
        });
        return await PowerShell.TimeAsync(command, null, ct).ConfigureAwait(false);
    }

    /// <summary>A new PowerShell, with the module to import and the connection to make.</summary>
    private static Task<double> ColdAsync(LabMachine machine, int count, CancellationToken ct) => PowerShell.TimeAsync(Script(machine, count), ct);

    /// <summary>As in a session in which the host has been asked something before.</summary>
    private static async Task<double> WarmAsync(LabMachine machine, int count, CancellationToken ct)
    {
        var lines = await PowerShell.LinesAsync(
            $"$null = Get-SecureGuestVolume -VirtHost '{machine.VirtHost}'\n$clock = [Diagnostics.Stopwatch]::StartNew()\n{Script(machine, count)}\n$clock.Elapsed.TotalSeconds.ToString([cultureinfo]::InvariantCulture)", ct).ConfigureAwait(false);
        return double.Parse(lines[^1], CultureInfo.InvariantCulture);
    }

    private static string Script(LabMachine machine, int count) =>
        $"0..{count - 1} | ForEach-Object {{ [pscustomobject]@{{ Name = \"v$_\"; MountPoint = \"/v$_\" }} }} | New-SecureGuestVolume -VolumeGroup volumegroup -Size 512MB -FileSystem ext3 -VirtHost '{machine.VirtHost}' | Out-Null";

    private static async Task RequireMadeAsync(LabMachine machine, int count, CancellationToken ct)
    {
        var made = (await machine.CheckAsync("""for p in /v[0-9]*; do mountpoint -q "$p" && matchpathcon -V "$p" | grep -q verified && stat -c %C "$p"; done | grep -c :virt_image_t: || :""", null, ct).ConfigureAwait(false)).Stdout.Trim();
        if (made != count.ToString(CultureInfo.InvariantCulture)) throw new LabException($"{made} volumes are there, not {count}.");
    }
}
