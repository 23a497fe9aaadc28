using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.AccountFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Who may log in to the host, and who is root there.</summary>
internal static class AccountRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "Accounts";

    private const string NoShell = "/usr/sbin/nologin";

    private static FactQuestion Sessions { get; } = FactQuestion.Run("sessions", new("who"));
    private static FactQuestion SessionRecords { get; } = FactQuestion.Look("session-records", "/run/utmp");

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("ACC-01", "No ordinary user can log in")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Questions.Accounts, LoginDefs, .. SourceNeeds],
            Source = "Xen 3.0 Users' Manual, security considerations",
            Why = "Whoever has a shell on the host is one local hole away from all of its guests.",
            Expected = "no account of a person with a shell, but those of the plan's Users and Administrators",
            Judge = NoOrdinaryUsers,
            Remedy = "Remove the account (userdel), or take its shell away; or name the person in the plan's Users or Administrators.",
            Repair = host => [.. People(host).Select(account => new Change("usermod", [SetShell(account.Name, NoShell)], HasShell(account.Name, NoShell), [SetShell(account.Name, account.Shell)]))],
        },
        new("ACC-02", "Only root is root")
        {
            Category = Category, Severity = HardeningSeverity.Critical, Needs = [Questions.Accounts],
            Source = "ComplianceAsCode accounts_no_uid_except_zero",
            Why = "A second account with the number 0 is root under a name that nobody watches.",
            Expected = "no account but root has the number 0",
            Judge = host =>
            {
                var accounts = Accounts(host).ToArray();
                var roots = accounts.Where(account => account.Id == 0).ToArray();
                if (roots.All(account => account.Name != "root")) return Verdict.Fail("no account named root has the number 0", roots.Select(account => $"/etc/passwd: {account.Name} has the number 0").DefaultIfEmpty("/etc/passwd: no account with the number 0"));
                string[] wrong = [.. roots.Where(account => account.Name != "root").Select(account => $"/etc/passwd: {account.Name} has the number 0")];
                // What is no number to us, such as +0, may be one to the C library.
                return wrong.Length == 0 && accounts.FirstOrDefault(account => account.Id is null) is { } odd
                    ? Verdict.Unknown($"the number of {odd.Name} is not understood", $"/etc/passwd: {odd.Name}")
                    : Verdict.Unless(wrong, "only root", "/etc/passwd: root has the number 0, and no other");
            },
            Remedy = "Find out who made the account; give it a number of its own (usermod -u), or remove it.",
        },
        .. AdministratorRules.Groups,
        new("ACC-05", "No empty password, and no account from NIS")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Questions.Accounts, Questions.Groups, Shadow],
            Source = "ComplianceAsCode no_empty_passwords, no_legacy_plus_entries",
            Why = "An empty password is none; a + line lets a server in the network say who is root.",
            Expected = "no empty password in passwd and shadow, and no line that begins with +",
            Judge = NoEmptyPasswords,
            Remedy = "Lock the account (passwd -l) or set a password; take the + lines out with vipw and vigr.",
            Repair = host => [.. Empty(host).Select(name => new Change("usermod", [SetPassword(name, "!")], IsLocked(name), [SetPassword(name, "")]))],
        },
        AdministratorRules.Sudo,
        new("ACC-07", "Who is logged in is a planned administrator")
        {
            Category = Category, Severity = HardeningSeverity.Info, NeedsPlan = true, Needs = [Sessions, SessionRecords],
            Source = "RHEL 5 Virtualization Guide, security",
            Why = "On a hypervisor people have work seldom; a session that nobody planned is worth a look.",
            Expected = "sessions at a terminal are of the plan's Administrators",
            Judge = host =>
            {
                var users = host.Facts.Text(Sessions).Split('\n', StringSplitOptions.RemoveEmptyEntries).ToArray();
                var others = users.Where(line => !host.Plan!.Administrators.Contains(line.Split(' ')[0])).Select(line => $"who: {line}").ToArray();
                // Where login keeps no utmp(5), who has nothing to read and says so by saying nothing.
                if (users.Length == 0 && host.Facts.Files(SessionRecords).Count == 0) return Verdict.Unknown("who tells nobody, and there is no /run/utmp that it could be told from", "/run/utmp: not there");
                return others.Length > 0 ? Verdict.Warn(Verdict.Count(others), others) : Verdict.Pass(users.Length == 0 ? "nobody is logged in at a terminal" : "planned administrators", users.Select(line => $"who: {line}").DefaultIfEmpty("who: nobody"));
            },
            Remedy = "Ask who it is (who, loginctl, last), and end the session if nobody knows.",
        },
    ];

    private static IReadOnlyList<Account> People(Judged host)
    {
        var first = FirstPerson(host);
        return [.. Accounts(host).Where(account => account.IsOfPerson(first) && host.Plan?.Users.Contains(account.Name) != true && host.Plan?.Administrators.Contains(account.Name) != true)];
    }

    private static Verdict NoOrdinaryUsers(Judged host)
    {
        var people = People(host).Select(account => $"/etc/passwd: {account.Name} ({account.Id}) has {(account.Shell.Length > 0 ? account.Shell : "/bin/sh")}").ToArray();
        if (people.Length > 0) return Verdict.Fail(Verdict.Count(people), people);
        if (Passwd.Accounts(FileOf(host, Questions.Accounts).Text).FirstOrDefault(account => account.Name.StartsWith('+')) is { } nis) return Verdict.Unknown("none in /etc/passwd itself; NIS may add some", $"/etc/passwd: {nis.Name}");
        var others = OtherSources(host, "passwd");
        return others.Count > 0
            ? Verdict.Unknown($"none in /etc/passwd; accounts also come from {string.Join(", ", others)}, which was not asked", $"/etc/nsswitch.conf: passwd: {string.Join(' ', others)}")
            : Verdict.Pass("none", "/etc/passwd: no other account of a person has a shell");
    }

    private static IReadOnlyList<string> Empty(Judged host) =>
        [.. Passwd.Passwords(FileOf(host, Shadow).Text).Where(password => password.Value == "empty").Select(password => password.Key)];

    private static Verdict NoEmptyPasswords(Judged host)
    {
        var passwd = Passwd.Accounts(FileOf(host, Questions.Accounts).Text);
        string[] wrong =
        [
            .. Empty(host).Select(name => $"/etc/shadow: the password of {name} is empty"),
            .. passwd.Where(account => !account.IsNis && account.Password.Length == 0).Select(account => $"/etc/passwd: the password of {account.Name} is empty"),
            .. new[] { Questions.Accounts, Questions.Groups }.Select(question => FileOf(host, question)).SelectMany(file => file.Lines.Where(line => line.StartsWith('+')).Select(line => $"{file.Path}: {line}")),
        ];
        return Verdict.Unless(wrong, "none", "/etc/passwd, /etc/shadow, /etc/group: no empty password, no line of NIS");
    }

    private static ToolCall SetShell(string user, string shell) => new("usermod", "-s", shell, "--", user) { Mutating = true };

    private static ToolCall SetPassword(string user, string password) => new("usermod", "-p", password, "--", user) { Mutating = true };

    // read(1) takes a line of passwd and shadow apart; a name in a pattern would be one of many.
    private static ToolCall HasShell(string user, string shell) =>
        ToolCall.Script("has-shell", """while IFS=: read -r name p u g c h shell; do if [ "$name" = "$1" ] && [ "$shell" = "$2" ]; then echo yes; fi; done </etc/passwd""", user, shell);

    private static ToolCall IsLocked(string user) =>
        ToolCall.Script("is-locked", """while IFS=: read -r name p rest; do if [ "$name" = "$1" ]; then case $p in '!'*) echo locked;; esac; fi; done </etc/shadow""", user);
}
