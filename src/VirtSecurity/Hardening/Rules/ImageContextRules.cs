using System.Buffers;
using VirtSecurity.Facts;
using VirtSecurity.Images;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>The administrator's rules for labels say what they were meant to say.</summary>
internal static class ImageContextRules
{
    private static readonly SearchValues<char> Operators = SearchValues.Create(@"\.^$?*+|[({");

    private static FactQuestion Places { get; } = FactQuestion.Run("rule-places", RulePlaces.Look() with { Display = "ls -d PATH...   # of the rules in file_contexts.local" });

    private static readonly IReadOnlyList<FactQuestion> RuleNeeds = [.. GuestImages.NeedsContexts, Places, Questions.Mounts, GuestImages.StoreInodes];

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("IMG-06", "Rules for labels say what was meant")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.Low, Needs = RuleNeeds, NeedsSELinux = true,
            Source = "semanage-fcontext(8), selabel_file(5)",
            Why = "A dot that is not escaped labels other files too, and a rule that another one hides labels nothing: both are found when it is too late.",
            Expected = "each rule in file_contexts.local matches what exists and nothing else, and decides there",
            Judge = host => JudgeRules(host, (rule, problem) => problem is not ("SystemTree" or "OtherPath") && !(problem is "Dead" && IsImageRule(rule)), _ => true),
            Remedy = "Get-VirtImageContext names each with the cmdlet that mends it: Set-VirtImageContext, Remove-VirtImageContext.",
        },
        new("IMG-07", "The path of an image rule is the one that is mounted")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.Medium, Needs = RuleNeeds, NeedsSELinux = true,
            Source = "RHEL 5 Virtualization Guide: its procedure mounts one directory and labels another",
            Why = "A rule for a directory that does not exist labels nothing, and the volume that was meant stays without a label.",
            Expected = "each rule for image types is for a path that exists",
            Judge = host => JudgeRules(host, (_, problem) => problem is "OtherPath" or "Dead", IsImageRule),
            Remedy = "Remove the rule (Remove-VirtImageContext) and give one to the directory that was meant (Set-VirtImageContext).",
        },
        new("IMG-08", "No rule gives the system's or people's files an image type")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.High, Needs = GuestImages.NeedsContexts, NeedsSELinux = true,
            Source = "RHEL 5 Virtualization Guide, SELinux considerations",
            Why = "What is labelled as an image is open to guests, and closed to the programs whose it was.",
            Expected = "no rule for an image type at or below /etc, /usr, /home and their like, nor at /, /mnt, /media, /opt, /srv themselves",
            Judge = NoneIsForTheSystem,
            Remedy = "Remove the rule: Remove-VirtImageContext. It gives the files back the labels that the policy has for them. An equivalence: semanage fcontext -d -e TARGET PATH; move the images that lie there (Move-VirtImage).",
        },
    ];

    private static bool IsImageRule(VirtImageContextRule rule) => IsImageType(rule.SELinuxType);

    private static bool IsImageType(string? type) => type is not null && (ImageTypes.All.Contains(type) || type == ImageLabelRules.GuestsType);

    private static Verdict JudgeRules(Judged host, Func<VirtImageContextRule, string, bool> isWrong, Func<VirtImageContextRule, bool> isOne)
    {
        var images = GuestImages.Of(host);
        var found = new Findings();
        // Of a tree that does not run it is not known what there is at the paths; how the rules are written is.
        var rules = ContextRules.Of(new RuleFacts(
            images.Host, found.Known(() => host.Facts.Read(Places, FactUnknown.Unless(RulePlaces.Read))) ?? new Dictionary<string, RulePlace>(), found.Known(() => images.Roots) ?? new Dictionary<string, PathFact>(), found.Known(() => images.Mounts) ?? []));
        foreach (var rule in rules.Where(rule => rule.Source == RuleSource.Local && isOne(rule)))
        {
            var problems = rule.Problem.Where(problem => isWrong(rule, problem.Id)).ToArray();
            foreach (var problem in problems) found.Wrong(problem.Message);
            if (problems.Length == 0) found.Right($"file_contexts.local: {rule.Pattern} {rule.Context}");
        }

        return found.Settle("each does", "the administrator has made no such rule");
    }

    private static Verdict NoneIsForTheSystem(Judged host)
    {
        var found = new Findings();
        var contexts = GuestImages.Of(host).Contexts;
        foreach (var rule in contexts.Rules.Where(rule => rule.Source == RuleSource.Local && IsImageType(rule.Context?.Type)))
        {
            found.Add(HostPath.IsImagePlace(PathPattern.PathOf(rule.Pattern) ?? DirectoryOf(rule.Pattern)), $"{rule.File}:{rule.Line}: {rule.Text}");
        }

        // What an equivalence of the administrator's (semanage fcontext -e) has looked up elsewhere may come out as an image, too.
        foreach (var same in contexts.Equivalences[0].Where(same => new[] { (Path: same.Path, Type: 'd'), (Path: same.Path + "/image", Type: '-') }.Any(path => IsImageType(contexts.Lookup(path.Path, path.Type)?.Context?.Type))))
        {
            found.Add(HostPath.IsImagePlace(same.Path), $"{same.File}:{same.Line}: {same.Path} {same.Target}");
        }

        return found.Settle("none", "the administrator has made no rule for image types");
    }

    /// <summary>The directory that all that an expression matches is in: its text up to the last slash before the first sign that may be an operator.</summary>
    private static string DirectoryOf(string pattern)
    {
        var end = pattern.AsSpan().IndexOfAny(Operators);
        var slash = pattern.LastIndexOf('/', Math.Max(0, (end < 0 ? pattern.Length : end) - 1));
        return slash <= 0 ? "/" : pattern[..slash];
    }
}
