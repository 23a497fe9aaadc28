using System.Security.Cryptography;
using System.Text;
using VirtSecurity.Resources;

namespace VirtSecurity.Hosts;

/// <summary>This machine's side of a connection: its ssh client, and where the multiplexed masters' sockets lie.</summary>
internal static class Client
{
    /// <summary>The user's ssh, from their PATH.</summary>
    public static string Ssh => "ssh";

    /// <summary>util-linux's setsid: a process session of its own, so that a terminal's Ctrl+C does not reach the tool.</summary>
    public static string Setsid => "/usr/bin/setsid";

    /// <summary>The socket of this process's master for a host: one a process and host value.</summary>
    public static string ControlPath(VirtHost host)
    {
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(host.ToString())))[..16];
        return Path.Combine(RuntimeDirectory(), $"vs-{Environment.ProcessId}-{hash}").Replace("%", "%%", StringComparison.Ordinal);
    }

    /// <summary>Whether a master for the host is up, so that a call costs no log-in.</summary>
    public static bool IsWarm(VirtHost host) => host.IsLocal || File.Exists(ControlPath(host));

    /// <summary>The message id for ssh's own words when it could not connect (OpenSSH 8 and 9).</summary>
    public static string RefusalId(string words)
    {
        bool Says(string what) => words.Contains(what, StringComparison.Ordinal);
        if (Says("Host key verification failed") || Says("HOST IDENTIFICATION HAS CHANGED")) return "HostKeyUnknown";
        return Says("Permission denied") || Says("Too many authentication failures") ? "AuthenticationFailed" : "HostUnreachable";
    }

    /// <summary>Host names without wildcards from the user's ssh configuration.</summary>
    public static IReadOnlyList<string> ConfiguredHosts()
    {
        var file = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ssh", "config");
        if (!File.Exists(file)) return [];
        return [.. File.ReadLines(file)
            .Select(line => line.Split((char[])[' ', '\t', '='], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length > 1 && words[0].Equals("Host", StringComparison.OrdinalIgnoreCase))
            .SelectMany(words => words.Skip(1))
            .Where(name => name.IndexOfAny(['*', '?', '!']) < 0)];
    }

    /// <exception cref="VirtException">UnsupportedClient: this is not Linux.</exception>
    public static void Check()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) throw new VirtException("UnsupportedClient");
    }

    private static string RuntimeDirectory()
    {
        // Nobody else may write where the sockets lie: the session's runtime directory, or ~/.ssh.
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 and < 40 } runtime && Directory.Exists(runtime)) return runtime;
        var home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ssh");
        if (!OperatingSystem.IsWindows()) Directory.CreateDirectory(home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return home;
    }
}
