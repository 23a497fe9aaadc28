namespace VirtSecurity.Hosts;

/// <summary>From a host's name to what runs calls there.</summary>
internal static class HostFactory
{
    /// <summary>Opens no connection: the first batch does.</summary>
    /// <param name="name">Which host.</param>
    /// <param name="log">Where it tells what it does.</param>
    /// <param name="run">The run whose changes it makes: its processes there are known by it; null: it only asks.</param>
    public static IHost Open(VirtHost name, IHostLog log, string? run = null)
    {
        Client.Check();
        return name.IsLocal ? new LocalHost(name, log, run) : new SshHost(name, log, run);
    }
}
