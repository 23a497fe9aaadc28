using VirtSecurity.Hosts;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>Nobody listens.</summary>
internal sealed class QuietLog : IHostLog
{
    public void Sending(VirtHost host, IReadOnlyList<ToolCall> batch)
    {
    }

    public void Started(VirtHost host, ToolCall call)
    {
    }

    public void Ended(VirtHost host, ToolResult result)
    {
    }

    public void Warn(VirtHost host, string id, params object?[] arguments)
    {
    }
}
