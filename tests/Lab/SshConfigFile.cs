using System.Globalization;

namespace VirtSecurity.Lab;

/// <summary>The ssh_config by which everything reaches the machine: the lab, the tests, and a user with `ssh -F`.</summary>
internal static class SshConfigFile
{
    /// <summary>The port differs from run to run; under an alias the host key is found all the same.</summary>
    public const string HostKeyAlias = "virtlab";

    public const string RootHost = "virtlab";

    /// <summary>The port that was written last.</summary>
    public static int ReadPort(string path) =>
        int.Parse(
            File.ReadLines(path).Select(line => line.Trim()).First(line => line.StartsWith("Port ", StringComparison.Ordinal))["Port ".Length..],
            CultureInfo.InvariantCulture);

    /// <summary>The key exchange is the plain curve: the default, made for quantum computers, costs the emulated machine time.</summary>
    public static void Write(string path, LabImage image, int port) =>
        File.WriteAllText(path, $"""
            Host virtlab virtlab-admin virtlab-operator
                HostName 127.0.0.1
                Port {port}
                HostKeyAlias {HostKeyAlias}
                UserKnownHostsFile "{image.KnownHosts}"
                GlobalKnownHostsFile /dev/null
                StrictHostKeyChecking yes
                IdentityFile "{image.IdentityFile}"
                IdentitiesOnly yes
                KexAlgorithms curve25519-sha256
                BatchMode yes
                ConnectTimeout 30
                LogLevel ERROR
            Host virtlab
                User root
            Host virtlab-admin
                User admin
            Host virtlab-operator
                User operator

            """);
}
