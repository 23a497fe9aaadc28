using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening;

/// <summary>
/// The facts of one host as rules see them: text is parsed here, where it is judged. To ask for a fact that has no answer throws, and the judge makes Unknown of it,
/// with the reason; so no rule has to think of that, and none can take silence for consent.
/// </summary>
internal sealed class HardeningFacts
{
    /// <summary>Who we are there and what it runs; asked of every host.</summary>
    public static FactQuestion Host { get; } = FactQuestion.Run("host", HostProbe.Look(HostFacts.Tools) with { Display = "id -u; cat /etc/os-release /proc/xen/capabilities; ls /dev/kvm" });

    /// <summary>What hypervisor the files of a host are for, where it does not run.</summary>
    public static FactQuestion Hypervisors { get; } = FactQuestion.Look("hypervisor-files", "/boot/xen*.gz", "/boot/xen*.efi", "/boot/efi/EFI/*/xen*.efi", "/usr/sbin/libvirtd", "/usr/sbin/virtqemud", "/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-kvm", "/usr/libexec/qemu-kvm");

    private readonly Dictionary<string, Dom0Fact> facts;
    private readonly Dictionary<Type, object> made = [];

    /// <summary>Takes the facts of one host.</summary>
    /// <exception cref="VirtException">FactsNewer: they were taken by a newer version of the module.</exception>
    public HardeningFacts(VirtHost host, IEnumerable<Dom0Fact> facts)
    {
        Name = host;
        this.facts = [];
        foreach (var fact in facts)
        {
            if (fact.FormatVersion > Dom0Fact.NewestFormat) throw new VirtException("FactsNewer", fact.Key, host, fact.FormatVersion, Dom0Fact.NewestFormat);
            this.facts[fact.Key] = fact;
        }
    }

    /// <summary>What is asked whatever the rules need.</summary>
    public static IReadOnlyList<FactQuestion> AlwaysAsked { get; } = [Host, Hypervisors];

    /// <summary>What is asked where a rule is about what SELinux does: whether it is on.</summary>
    public static IReadOnlyList<FactQuestion> IsSELinuxAsked { get; } = [Questions.SELinuxState, Questions.SELinuxConfig];

    /// <summary>The host.</summary>
    public VirtHost Name { get; }

    /// <summary>The hypervisor it runs or, where it does not run itself, is made for; null: neither, or both.</summary>
    /// <exception cref="VirtException">FactUnknown.</exception>
    public Hypervisor? Hypervisor
    {
        get
        {
            if (!IsOffline) return Read(Host, HostProbe.Read) switch { { IsXenDom0: true } => Facts.Hypervisor.Xen, { IsKvm: true } => Facts.Hypervisor.Kvm, _ => null };
            var files = Files(Hypervisors);
            var (xen, kvm) = (files.Any(file => Path.GetFileName(file.Path).StartsWith("xen", StringComparison.Ordinal)), files.Any(file => file.Path.StartsWith("/usr/", StringComparison.Ordinal)));
            return xen == kvm ? null : xen ? Facts.Hypervisor.Xen : Facts.Hypervisor.Kvm;
        }
    }

    /// <summary>These are the facts of a tree of files, not of a host that runs.</summary>
    public bool IsOffline => Of(Host).Outcome == FactOutcome.NotAsked;

    /// <summary>Whether a question was answered: by what was found, or by that there is nothing.</summary>
    public bool Has(FactQuestion question) => facts.TryGetValue(question.Key, out var fact) && fact.Outcome is FactOutcome.Answered or FactOutcome.Missing;

    /// <summary>What a command said.</summary>
    /// <exception cref="VirtException">FactUnknown: it was not asked, or did not answer, or failed.</exception>
    public string Text(FactQuestion question) => Of(question) switch
    {
        { Outcome: FactOutcome.Answered, ExitCode: 0 } fact => fact.Text,
        { Outcome: FactOutcome.Answered } fact => throw Unknown(fact, fact.Error.Length > 0 ? fact.Error : $"exit code {fact.ExitCode}"),
        var fact => throw Unknown(fact, fact.Error),
    };

    /// <summary>What a command said; null: the host has no such tool.</summary>
    /// <exception cref="VirtException">FactUnknown: it was not asked, or did not answer, or failed.</exception>
    public string? TextOrMissing(FactQuestion question) => Of(question).Outcome == FactOutcome.Missing ? null : Text(question);

    /// <summary>What a command said, as one of the Tools reads it.</summary>
    /// <exception cref="VirtException">FactUnknown: it was not asked, or did not answer, or what it said is not understood.</exception>
    public T Read<T>(FactQuestion question, Func<ToolResult, T> read)
    {
        var fact = Of(question);
        if (fact.Outcome != FactOutcome.Answered) throw Unknown(fact, fact.Error);
        return read(new ToolResult(question.Command!, ToolOutcome.Exited, fact.ExitCode, HostText.Encode(fact.Text), HostText.Encode(fact.Error)));
    }

    /// <summary>The files that there are; empty: none.</summary>
    /// <exception cref="VirtException">FactUnknown: they could not be asked for.</exception>
    public IReadOnlyList<HostFile> Files(FactQuestion question) => Of(question) switch
    {
        { Outcome: FactOutcome.Answered, ExitCode: 0 } fact => HostFile.Parse(fact.Text),
        { Outcome: FactOutcome.Missing } => [],
        var fact => throw Unknown(fact, fact.Error),
    };

    /// <summary>One of the files; null: it is not there.</summary>
    /// <exception cref="VirtException">FactUnknown: it could not be asked for.</exception>
    public HostFile? File(FactQuestion question, string path) => Files(question).FirstOrDefault(file => file.Path == path);

    /// <summary>What many rules make of the facts of a host, such as its images: made once.</summary>
    public T Once<T>(Func<HardeningFacts, T> make)
        where T : class
    {
        if (!made.TryGetValue(typeof(T), out var one)) made[typeof(T)] = one = make(this);
        return (T)one;
    }

    private Dom0Fact Of(FactQuestion question) => facts.GetValueOrDefault(question.Key) ?? throw new VirtException("FactUnknown", question.Words, "it is not among these facts");

    private static VirtException Unknown(Dom0Fact fact, string reason) => new("FactUnknown", fact.Question, reason);
}
