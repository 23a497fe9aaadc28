namespace VirtSecurity.Hosts;

/// <summary>From a host's name to what runs calls there.</summary>
internal static class HostFactory
{
    /// <summary>Opens no connection: the first batch does.</summary>
    public static IHost Open(VirtHost name, IHostLog log)
    {
        Client.Check();
        return name.IsLocal ? new LocalHost(name, log) : new SshHost(name, log);
    }
}
