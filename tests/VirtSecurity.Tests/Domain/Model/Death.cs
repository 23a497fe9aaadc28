namespace VirtSecurity.Tests.Domain.Model;

/// <summary>How the client, or the host, may come to its end in the middle of a run.</summary>
public enum Death
{
    /// <summary>The client is killed, and the call that was about to begin never does.</summary>
    ClientBeforeTheCall,

    /// <summary>The client is killed, the call that runs ends, and the batch stops there.</summary>
    ClientAfterTheCall,

    /// <summary>The client is killed, and the host goes through the whole batch.</summary>
    ClientWhileTheRestRan,

    /// <summary>The host's power is cut before the call, and comes back.</summary>
    PowerBeforeTheCall,

    /// <summary>The host's power is cut after the call, and comes back.</summary>
    PowerAfterTheCall,
}

/// <summary>There is no client any more to go on.</summary>
internal sealed class ClientDied : Exception
{
}
