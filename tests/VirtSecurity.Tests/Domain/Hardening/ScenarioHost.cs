using System.Text;
using System.Text.RegularExpressions;
using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;

namespace VirtSecurity.Tests.Domain.Hardening;

/// <summary>A host as facts: what a scenario does not give it, it does not have.</summary>
internal sealed class ScenarioHost
{
    private readonly List<HostFile> files = [];
    private readonly Dictionary<string, Dom0Fact> answers = [];
    private string runs = "kvm\n";
    private bool isOffline;

    /// <summary>What it is for; null: nobody said.</summary>
    public DeploymentPlan? Plan { get; private set; }

    public DateOnly Today { get; } = new(2026, 11, 26);

    public static VirtHost Name { get; } = new("kvm1");

    /// <summary>A dom0 instead of a KVM host.</summary>
    public ScenarioHost Xen()
    {
        runs = "xen\n";
        return this;
    }

    /// <summary>The tree of a host that does not run.</summary>
    public ScenarioHost Offline()
    {
        isOffline = true;
        return this;
    }

    public ScenarioHost WithPlan(DeploymentPlan plan)
    {
        Plan = plan;
        return this;
    }

    /// <summary>A regular file.</summary>
    public ScenarioHost File(string path, string text, int mode = 0x1A4, long owner = 0, long group = 0, string? context = null)
    {
        files.Add(new(path, '-', (UnixFileMode)mode, owner, group, Encoding.UTF8.GetByteCount(text), 1_700_000_000, context, text.EndsWith('\n') ? text[..^1] : text, ""));
        return this;
    }

    /// <summary>Less the files below a path, or that one: for one that another takes the place of.</summary>
    public ScenarioHost Without(string path)
    {
        files.RemoveAll(file => file.Path == path || file.Path.StartsWith(path + "/", StringComparison.Ordinal));
        return this;
    }

    /// <summary>Anything else: a directory, a device, a file that cannot be read.</summary>
    public ScenarioHost Inode(string path, char type = '-', int mode = 0x1A4, long owner = 0, long group = 0, string reason = HostFile.OnlyLookedAt, long modified = 1_700_000_000, string? context = null)
    {
        files.Add(new(path, type, (UnixFileMode)mode, owner, group, 0, modified, context, null, reason));
        return this;
    }

    /// <summary>A command's answer, by the question's key.</summary>
    public ScenarioHost Says(string key, string text, int exitCode = 0, string error = "") => Answer(key, FactOutcome.Answered, exitCode, text, error);

    /// <summary>A command that the host does not have.</summary>
    public ScenarioHost Lacks(string key) => Answer(key, FactOutcome.Missing, -1, "", "not found");

    /// <summary>A command that hangs.</summary>
    public ScenarioHost Hangs(string key) => Answer(key, FactOutcome.NoAnswer, -1, "", "no answer within 60 s");

    /// <summary>SELinux as it should be.</summary>
    public ScenarioHost Enforcing() => File("/sys/fs/selinux/enforce", "1").File("/sys/fs/selinux/mls", "1").File("/sys/fs/selinux/policyvers", "33")
        .File("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=default\n");

    /// <summary>The facts that some rules ask for.</summary>
    public IReadOnlyList<Dom0Fact> Facts(IEnumerable<HardeningRule> rules) => [.. Catalogue.Questions(rules).Select(Fact)];

    private ScenarioHost Answer(string key, string outcome, int exitCode, string text, string error)
    {
        answers[key] = New(key, key, outcome, exitCode, text, error);
        return this;
    }

    private Dom0Fact Fact(FactQuestion question)
    {
        if (isOffline && question.IsOfRunningHost) return New(question.Key, question.Words, FactOutcome.NotAsked, -1, "", "it does not run");
        if (question == HardeningFacts.Host) return New(question.Key, question.Words, FactOutcome.Answered, 0, "uid 0\nhosts-mounts\n" + runs, "");
        if (answers.TryGetValue(question.Key, out var answer)) return answer with { Question = question.Words };
        if (question.Command is not null) return New(question.Key, question.Words, FactOutcome.NoAnswer, -1, "", "the scenario does not say");
        var found = files.Where(file => question.Paths.Any(pattern => IsMatch(pattern, file.Path))).DistinctBy(file => file.Path).OrderBy(file => file.Path, StringComparer.Ordinal)
            .Select(file => question.IsLook ? file with { Content = null, Reason = HostFile.OnlyLookedAt } : file).ToArray();
        return found.Length == 0 ? New(question.Key, question.Words, FactOutcome.Missing, 0, "", "no such file") : New(question.Key, question.Words, FactOutcome.Answered, 0, HostFile.Write(found), "");
    }

    private static bool IsMatch(string pattern, string path) => Regex.IsMatch(path, "^" + Regex.Escape(pattern).Replace(@"\*", "[^/]*", StringComparison.Ordinal).Replace(@"\[0-9]", "[0-9]", StringComparison.Ordinal) + "$");

    private static Dom0Fact New(string key, string question, string outcome, int exitCode, string text, string error) =>
        new() { VirtHost = Name, Key = key, Question = question, Outcome = outcome, ExitCode = exitCode, Text = text, Error = error, Taken = DateTime.UnixEpoch };
}
