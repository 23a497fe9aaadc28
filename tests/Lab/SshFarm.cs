using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CliWrap;

namespace VirtSecurity.Lab;

/// <summary>
/// Many hosts that are one: this machine, by an sshd on each of many ports of the loopback interface, in namespaces of its own. Four besides are as hosts are on a bad day: nothing listens at one, one is
/// connected to and never says a word, one knows no key, one's shell never says a word. Root only. Each sshd ends by itself, also if nobody is left to end it.
/// </summary>
public sealed class SshFarm : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("virtlab-farm-");
    private readonly CancellationTokenSource end = new();
    private readonly TcpListener silent = new(IPAddress.Loopback, 0);
    private readonly List<Task> servers = [];

    private SshFarm()
    {
    }

    /// <summary>The names of the hosts that answer, in <see cref="ConfigPath"/>.</summary>
    public IReadOnlyList<string> Names { get; private set; } = [];

    /// <summary>The hosts of a bad day: dead, slow, refusing.</summary>
    public IReadOnlyList<string> BadNames { get; } = ["dead", "slow", "refusing"];

    /// <summary>The host whose shell never says a word. Ansible would wait for it without end.</summary>
    public string MuteName { get; } = "mute";

    /// <summary>For `ssh -F`.</summary>
    public string ConfigPath => Path.Combine(folder.FullName, "ssh_config");

    /// <summary>A host as a value for -VirtHost.</summary>
    public string VirtHost(string name) => $"ssh://{name}?config={ConfigPath}";

    /// <summary>Starts them, and waits until each can be connected to.</summary>
    /// <param name="count">How many there are that answer.</param>
    /// <param name="life">How long they live at most.</param>
    /// <param name="progress">Told of the steps.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="LabException">sshd is missing and cannot be installed, or does not start.</exception>
    public static async Task<SshFarm> StartAsync(int count, TimeSpan life, IProgress<string>? progress, CancellationToken ct)
    {
        if (!Environment.IsPrivilegedProcess) throw new LabException("Only root may start sshd that log root in.");
        await HostPackages.EnsureForServingAsync(progress, ct).ConfigureAwait(false);
        var farm = new SshFarm();
        try
        {
            await farm.StartAsync(count, life, ct).ConfigureAwait(false);
            return farm;
        }
        catch
        {
            await farm.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task StartAsync(int count, TimeSpan life, CancellationToken ct)
    {
        string In(string name) => Path.Combine(folder.FullName, name);
        foreach (var key in (string[])["host", "user"]) await Tool.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", In(key)], ct).ConfigureAwait(false);
        File.Copy(In("user.pub"), In("authorized_keys"));
        // sshd wants it for the part of it that has no rights.
        Directory.CreateDirectory("/run/sshd");
        await File.WriteAllTextAsync(In("sshd_config"), $"""
            ListenAddress 127.0.0.1
            HostKey {In("host")}
            AuthorizedKeysFile {In("authorized_keys")}
            PermitRootLogin prohibit-password
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            UsePAM no
            UseDNS no
            StrictModes no
            PidFile none
            MaxStartups 64
            LogLevel ERROR

            """, ct).ConfigureAwait(false);
        silent.Start();
        var ports = FreePorts(count + 3);
        Names = [.. Enumerable.Range(1, count).Select(number => string.Create(CultureInfo.InvariantCulture, $"host{number:000}"))];
        (string Name, int Port)[] hosts = [.. Names.Append("refusing").Append(MuteName).Append("dead").Zip(ports), ("slow", ((IPEndPoint)silent.LocalEndpoint).Port)];
        await File.WriteAllTextAsync(In("known_hosts"), $"farm {await File.ReadAllTextAsync(In("host.pub"), ct).ConfigureAwait(false)}", ct).ConfigureAwait(false);
        await File.WriteAllTextAsync(ConfigPath, string.Concat(hosts.Select(host => $"Host {host.Name}\n  Port {host.Port}\n")) + $"""
            Host *
              HostName 127.0.0.1
              User root
              HostKeyAlias farm
              UserKnownHostsFile {In("known_hosts")}
              GlobalKnownHostsFile /dev/null
              IdentityFile {In("user")}
              IdentitiesOnly yes

            """, ct).ConfigureAwait(false);
        var serving = hosts[..(count + 2)];
        foreach (var (name, port) in serving)
        {
            // Each in namespaces of its own, where it is the first process: so it has processes of its own, as a host has, and all that it has let in ends with it.
            // timeout ends it, whatever becomes of us; unshare takes no other signal while it waits. sshd has to be called by its whole path.
            string[] contained = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];
            string[] own = name switch { "refusing" => ["-o", "AuthorizedKeysFile=none"], _ when name == MuteName => ["-o", "ForceCommand=sleep 1h"], _ => [] };
            servers.Add(Tool.Command("timeout", ["--signal=KILL", string.Create(CultureInfo.InvariantCulture, $"{life.TotalSeconds:0}"), .. contained, Tool.Find("sshd")!, "-D", "-f", In("sshd_config"), .. own, "-E", In("log"), "-p", port.ToString(CultureInfo.InvariantCulture)])
                .ExecuteAsync(end.Token).Task);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(StartLimit);
        foreach (var (name, port) in serving) await WaitAsync(name, port, limit.Token).ConfigureAwait(false);
    }

    /// <summary>Ends them. Connections that are open go with them.</summary>
    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync().ConfigureAwait(false);
        foreach (var server in servers)
        {
            try
            {
                await server.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // That was asked for.
            }
        }

        silent.Dispose();
        end.Dispose();
        folder.Delete(recursive: true);
    }

    private async Task WaitAsync(string name, int port, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port, ct).ConfigureAwait(false);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(100, CancellationToken.None).ConfigureAwait(false);
            }
            catch (OperationCanceledException e)
            {
                var log = Path.Combine(folder.FullName, "log");
                throw new LabException($"The sshd of {name} does not listen: {(File.Exists(log) ? await File.ReadAllTextAsync(log, CancellationToken.None).ConfigureAwait(false) : "")}", e);
            }
        }
    }

    /// <summary>Ports that are free now: all are held until the last is found.</summary>
    private static int[] FreePorts(int count)
    {
        var held = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        try
        {
            foreach (var listener in held) listener.Start();
            return [.. held.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (var listener in held) listener.Dispose();
        }
    }
}
