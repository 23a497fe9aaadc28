using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Facts;

/// <summary>A host that answered, and what it is.</summary>
public sealed record VirtHostInfo
{
    /// <summary>The host; binds to -VirtHost of every cmdlet.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>What it runs; null: neither KVM nor Xen.</summary>
    public required Hypervisor? Hypervisor { get; init; }

    /// <summary>Whether SELinux is on there.</summary>
    public required SELinuxMode SELinuxMode { get; init; }

    /// <summary>Name of its policy store (SELINUXTYPE), such as <c>default</c> or <c>targeted</c>.</summary>
    public required string? SELinuxPolicy { get; init; }

    /// <summary>PRETTY_NAME of its os-release.</summary>
    public required string? Distribution { get; init; }

    /// <summary>We are root there.</summary>
    public required bool IsRoot { get; init; }

    /// <summary>Tools the module uses that are there.</summary>
    public required IReadOnlyList<string> FoundTools { get; init; }

    /// <summary>Tools the module uses that are not.</summary>
    public required IReadOnlyList<string> MissingTools { get; init; }

    /// <summary>The host, as -VirtHost takes it.</summary>
    public override string ToString() => VirtHost.ToString();

    internal static VirtHostInfo From(HostFacts facts) => new()
    {
        VirtHost = facts.Host,
        Hypervisor = facts.Hypervisor,
        SELinuxMode = facts.SELinux.Mode,
        SELinuxPolicy = facts.SELinux.Store,
        Distribution = facts.Probe.Distribution,
        IsRoot = facts.Probe.IsRoot,
        FoundTools = facts.Probe.FoundTools,
        MissingTools = [.. HostFacts.Tools.Except(facts.Probe.FoundTools)],
    };
}
