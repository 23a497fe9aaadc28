using System.Globalization;
using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening;

/// <summary>From the facts of a host and its plan to the verdicts of some rules. It asks nothing, so the same facts give the same verdicts.</summary>
internal static class Judge
{
    /// <summary>Judges.</summary>
    /// <exception cref="VirtException">PlanForOtherHypervisor.</exception>
    public static IReadOnlyList<Dom0HardeningResult> All(HardeningFacts facts, IEnumerable<HardeningRule> rules, DeploymentPlan? plan, DateOnly today)
    {
        var host = new Judged(facts, plan, today);
        var hypervisor = HypervisorOf(host, out var whyUnknown);
        if (plan?.Hypervisor is { } planned && hypervisor is { } runs && planned != runs) throw new VirtException("PlanForOtherHypervisor", planned, facts.Name, runs);
        return [.. rules.Select(rule => One(rule, host, hypervisor, whyUnknown))];
    }

    private static Dom0HardeningResult One(HardeningRule rule, Judged host, Hypervisor? hypervisor, string whyUnknown)
    {
        var verdict = Waived(rule, host, Guarded(() => Apply(rule, host, hypervisor, whyUnknown)));
        var isWrong = verdict.Status is HardeningStatus.Fail or HardeningStatus.Warn or HardeningStatus.Waived;
        return new Dom0HardeningResult
        {
            VirtHost = host.Facts.Name,
            Id = rule.Id,
            Title = rule.Title,
            Category = rule.Category,
            Severity = rule.Severity,
            Status = verdict.Status,
            Expected = verdict.Expected ?? rule.Expected,
            Actual = verdict.Actual,
            Evidence = verdict.EvidenceText,
            Remediation = isWrong ? rule.Remedy : "",
            RemediationCommand = isWrong ? Commands(rule, host) : "",
            Source = rule.Source,
        };
    }

    private static Verdict Apply(HardeningRule rule, Judged host, Hypervisor? hypervisor, string whyUnknown)
    {
        if (rule.AppliesTo is { } only)
        {
            if (hypervisor is null && whyUnknown.Length > 0) return Verdict.Unknown($"it is about {only}, and what the host runs is not known: {whyUnknown}");
            if (hypervisor is null) return Verdict.NotApplicable($"it is about {only}, and the host runs no hypervisor");
            if (hypervisor != only) return Verdict.NotApplicable($"it is about {only}, and the host runs {hypervisor}");
        }

        if (rule.NeedsPlan && host.Plan is null) return Verdict.NotApplicable("it compares the host with its deployment plan, and none was given");
        if (rule.NeedsSELinux && IsSELinuxOff(host.Facts)) return Verdict.NotApplicable("SELinux is off on the host (see SEL-01)");
        return rule.Judge(host);
    }

    /// <summary>Unknown is the answer of a rule that could not decide, whatever kept it from deciding: a fact that is missing, text that is not understood, a fault of its own. It is
    /// said with its reason, and the other checks go on; a lost run would tell less, and a pass would be a lie.</summary>
    private static Verdict Guarded(Func<Verdict> judge)
    {
        try
        {
            return judge();
        }
        catch (VirtException problem)
        {
            return Verdict.Unknown(problem.Message);
        }
#pragma warning disable CA1031 // Not dropped: it is the verdict.
        catch (Exception problem)
#pragma warning restore CA1031
        {
            return Verdict.Unknown($"what the host said is not understood: {problem.Message} ({problem.GetType().Name})");
        }
    }

    private static Verdict Waived(HardeningRule rule, Judged host, Verdict verdict)
    {
        if (verdict.Status is not (HardeningStatus.Fail or HardeningStatus.Warn) || host.Plan?.Waivers.LastOrDefault(waiver => waiver.Id.Equals(rule.Id, StringComparison.OrdinalIgnoreCase)) is not { } waiver) return verdict;
        var words = string.Create(CultureInfo.InvariantCulture, $"until {waiver.Expires:yyyy-MM-dd}: {waiver.Reason} ({waiver.Owner})");
        return waiver.Expires >= host.Today
            ? verdict with { Status = HardeningStatus.Waived, Evidence = [$"waived {words}", .. verdict.Evidence] }
            : verdict with { Status = HardeningStatus.Fail, Actual = $"{verdict.Actual}; its waiver has expired", Evidence = [$"waived {words}; that is over", .. verdict.Evidence] };
    }

    /// <summary>The command lines of a repair. Where the facts do not say enough for one, the words of the remedy have to do.</summary>
    private static string Commands(HardeningRule rule, Judged host)
    {
        if (rule.Repair is null) return "";
        var text = "";
        Guarded(() =>
        {
            text = string.Join('\n', rule.Repair(host).SelectMany(change => change.Do).Select(call => call.ToString()));
            return Verdict.Pass("");
        });
        return text;
    }

    private static Hypervisor? HypervisorOf(Judged host, out string whyUnknown)
    {
        whyUnknown = "";
        try
        {
            // What a tree of files is for may be open; its plan says it.
            var found = host.Facts.Hypervisor;
            if (found is null && host.Facts.IsOffline) whyUnknown = "its files are those of both, or of neither";
            if (found is null && host.Facts.IsOffline && host.Plan?.Hypervisor is { } planned) return planned;
            return found;
        }
        catch (Exception problem) when (problem is VirtException or FormatException)
        {
            whyUnknown = problem.Message;
            return null;
        }
    }

    /// <summary>Whether SELinux is known to be off; what is not known, the rules themselves find out and say.</summary>
    private static bool IsSELinuxOff(HardeningFacts facts) =>
        (facts.Has(Questions.SELinuxState) && facts.Files(Questions.SELinuxState).Count == 0)
        || (facts.IsOffline && facts.Has(Questions.SELinuxConfig) && SELinuxConfig.Read(facts.Files(Questions.SELinuxConfig)).Mode == "disabled");
}
