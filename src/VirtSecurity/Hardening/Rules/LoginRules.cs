using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Services about who may come in by ssh.</summary>
internal static class LoginRules
{
    private static readonly string[] Lists = ["allowusers", "allowgroups"];

    private static FactQuestion Test { get; } = FactQuestion.Run("sshd-test", SshdConfig.Test());
    private static FactQuestion Files { get; } = FactQuestion.Files("sshd-config", SshdConfig.Path, "/etc/ssh/sshd_config.d/*.conf", "/etc/crypto-policies/back-ends/opensshserver.config");

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("SVC-15", "Nobody logs in as root with a password, and those who may log in are listed")
        {
            Category = ServiceRules.Category, Severity = HardeningSeverity.Medium, Needs = [Test, Files],
            Source = "ComplianceAsCode sshd_disable_root_login, sshd_limit_user_access",
            Why = "Root's password is guessed from afar where it may be tried, and an account made for a service should not be one to log in with.",
            Expected = "PermitRootLogin is no or prohibit-password (or no password is taken at all), and AllowUsers or AllowGroups is set",
            Judge = LoginsAreLimited,
            Remedy = "Write PermitRootLogin prohibit-password and AllowGroups GROUP to /etc/ssh/sshd_config.d/00-virtsecurity.conf, where sshd_config includes it, or to its beginning (first see that you are in that group), then sshd -t && systemctl reload ssh (sshd).",
        },
    ];

    private static Verdict LoginsAreLimited(Judged host)
    {
        var files = host.Facts.Files(Files);
        var test = host.Facts.IsOffline ? "" : Said(host);
        if (test is null && files.Count == 0) return Verdict.NotApplicable("the host has no ssh server");
        var isTested = test is not null && SshdConfig.IsTest(test);
        var (config, place) = isTested ? (SshdConfig.OfTest(test!), "sshd -T") : (SshdConfig.OfFiles(files), SshdConfig.Path);
        // sshd -T says what holds without a Match; only the files show what holds with one.
        var exceptions = isTested && files.Count == 0 ? [] : SshdConfig.OfFiles(files).Exceptions;
        string Of(string keyword, string byItself) => (config.Value(keyword) ?? byItself).ToLowerInvariant();
        string Line(string keyword) => $"{place}: {keyword} {config.Value(keyword) ?? "is not set"}";
        bool IsYes(SshdException exception, params string[] keywords) => keywords.Contains(exception.Keyword) && exception.Value.Equals("yes", StringComparison.OrdinalIgnoreCase);
        var root = Of("permitrootlogin", "");
        // What a Match takes, it takes from some: that is enough to try.
        var takesPasswords = Of("passwordauthentication", "yes") == "yes" || Of("kbdinteractiveauthentication", Of("challengeresponseauthentication", "yes")) == "yes"
            || exceptions.Any(exception => IsYes(exception, "passwordauthentication", "kbdinteractiveauthentication", "challengeresponseauthentication"));
        var wrong = new List<string>();
        if (root == "yes" && takesPasswords) wrong.Add(Line("permitrootlogin"));
        if (takesPasswords) wrong.AddRange(exceptions.Where(exception => IsYes(exception, "permitrootlogin")).Select(exception => exception.ToString()));
        if (Lists.All(list => config.Value(list) is null)) wrong.Add($"{place}: neither AllowUsers nor AllowGroups is set");
        // What sshd does by itself is not the same in all versions and distributions, and only it knows.
        if (wrong.Count == 0 && root.Length == 0 && takesPasswords) return Verdict.Unknown("sshd could not say what it does by itself, and its files do not say whether root may log in", Line("permitrootlogin"));
        return Verdict.Unless(wrong, "limited", [Line("permitrootlogin"), .. Lists.Where(list => config.Value(list) is not null).Select(Line)]);
    }

    /// <summary>What sshd said; null: there is none. One that cannot say has its files read instead.</summary>
    private static string? Said(Judged host) => host.Facts.Has(Test) ? host.Facts.TextOrMissing(Test) : "";
}
