using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using VirtSecurity.Resources;

namespace VirtSecurity.Hosts;

/// <summary>
/// A host, as one string that says everything needed to reach it: <c>localhost</c>, <c>kvm1</c>,
/// <c>root@kvm1:2222</c>, <c>ssh://operator@kvm1?sudo&amp;key=/root/.ssh/kvm</c>, <c>ssh://kvm1?config=/etc/ssh/lab</c>.
/// Immutable, equal by value, serialized as that string; it holds no connection.
/// </summary>
public sealed partial class VirtHost : IEquatable<VirtHost>
{
    private readonly string text;

    /// <summary>Reads a host from its string.</summary>
    /// <exception cref="VirtException">InvalidVirtHost: the string names no host.</exception>
    public VirtHost(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        var given = host.Trim();
        if (given is "" or "." or "localhost")
        {
            Name = text = "localhost";
            IsLocal = true;
            return;
        }

        var match = Shape().Match(given);
        if (!match.Success) throw new VirtException("InvalidVirtHost", host);
        Name = match.Groups["host"].Value;
        User = match.Groups["user"] is { Success: true } user ? user.Value : null;
        Port = match.Groups["port"] is { Success: true } port ? ParsePort(port.Value, host) : null;
        foreach (var option in match.Groups["options"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = option.Split('=', 2) is [var k, var v] ? (k, Uri.UnescapeDataString(v)) : (option, null);
            switch (key)
            {
                case "sudo" when value is null: Sudo = true; break;
                case "key" when IsFile(value): KeyFile = value; break;
                case "config" when IsFile(value): ConfigFile = value; break;
                default: throw new VirtException("InvalidVirtHost", host);
            }
        }

        text = Write();
    }

    /// <summary>Name, address or alias of the ssh configuration; <c>localhost</c> for this machine.</summary>
    public string Name { get; }

    /// <summary>This machine, without ssh.</summary>
    public bool IsLocal { get; }

    /// <summary>Account to log in as; null: as the ssh configuration says.</summary>
    public string? User { get; }

    /// <summary>TCP port; null: as the ssh configuration says.</summary>
    public int? Port { get; }

    /// <summary>Become root with <c>sudo -n</c> after logging in.</summary>
    public bool Sudo { get; }

    /// <summary>Private key file (ssh -i); null: as the ssh configuration says.</summary>
    public string? KeyFile { get; }

    /// <summary>ssh configuration file (ssh -F); null: the user's own.</summary>
    public string? ConfigFile { get; }

    /// <summary>The same host, with <c>sudo -n</c> after logging in.</summary>
    public VirtHost WithSudo() => IsLocal || Sudo
        ? this
        : new VirtHost(text.StartsWith("ssh://", StringComparison.Ordinal)
            ? text + (text.Contains('?', StringComparison.Ordinal) ? "&sudo" : "?sudo")
            : $"ssh://{text}?sudo");

    /// <summary>Everything needed to reach the host; the constructor reads it back.</summary>
    public override string ToString() => text;

    /// <inheritdoc/>
    public bool Equals(VirtHost? other) => other is not null && text == other.text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as VirtHost);

    /// <inheritdoc/>
    public override int GetHashCode() => text.GetHashCode(StringComparison.Ordinal);

    private static bool IsFile(string? path) =>
        path is { Length: > 1 } && path[0] == '/' && !path.Any(char.IsControl);

    private static int ParsePort(string digits, string host) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536
            ? port
            : throw new VirtException("InvalidVirtHost", host);

    private string Write()
    {
        var options = new List<string>();
        if (Sudo) options.Add("sudo");
        if (KeyFile is not null) options.Add("key=" + Escape(KeyFile));
        if (ConfigFile is not null) options.Add("config=" + Escape(ConfigFile));
        if (User is null && Port is null && options.Count == 0 && !Name.Contains(':', StringComparison.Ordinal)) return Name;

        var uri = new StringBuilder("ssh://");
        if (User is not null) uri.Append(User).Append('@');
        uri.Append(Name);
        if (Port is not null) uri.Append(CultureInfo.InvariantCulture, $":{Port}");
        if (options.Count > 0) uri.Append('?').AppendJoin('&', options);
        return uri.ToString();
    }

    private static string Escape(string path) =>
        Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal);

    // Neither user nor host may begin with '-': ssh would read it as an option.
    [GeneratedRegex(@"\A(ssh://)?((?<user>[A-Za-z0-9_][A-Za-z0-9._\\+-]*)@)?(?<host>[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?\])(:(?<port>[0-9]{1,5}))?/?(\?(?<options>[^\s]*))?\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
