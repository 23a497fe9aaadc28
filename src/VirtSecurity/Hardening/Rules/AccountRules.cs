using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Who may log in to the host, and who is root there.</summary>
internal static class AccountRules
{
    private const string Category = "Accounts";
    private const string NoShell = "/usr/sbin/nologin";
    private const string ManageAction = "org.libvirt.unix.manage";
    private const long Nobody = 65534;

    /// <summary>Groups whose members have the host, or its guests, without any password.</summary>
    private static readonly string[] RootGroups = ["libvirt", "libvirtd", "libvirt-qemu", "kvm", "qemu", "disk", "docker", "lxd", "incus-admin"];

    /// <summary>Groups that administrators are in: distributions' polkit rules name them.</summary>
    private static readonly string[] AdminGroups = ["libvirt", "libvirtd", "wheel", "sudo", "admin", "root"];

    private static FactQuestion Shadow { get; } = FactQuestion.Files("shadow", "/etc/shadow") with { Reduce = Passwd.ShadowSecrets };
    private static FactQuestion LoginDefs { get; } = FactQuestion.Files("login-defs", "/etc/login.defs");
    private static FactQuestion NameSwitch { get; } = FactQuestion.Files("nsswitch", "/etc/nsswitch.conf");
    private static FactQuestion SudoersFiles { get; } = FactQuestion.Files("sudoers", "/etc/sudoers", "/etc/sudoers.d/*");
    private static FactQuestion Sessions { get; } = FactQuestion.Run("sessions", new("who"));
    private static FactQuestion PolkitFiles { get; } = FactQuestion.Files(
        "polkit", "/etc/polkit-1/rules.d/*.rules", "/usr/share/polkit-1/rules.d/*.rules", "/usr/local/share/polkit-1/rules.d/*.rules", "/etc/polkit-1/localauthority/*/*.pkla", "/var/lib/polkit-1/localauthority/*/*.pkla", "/usr/share/polkit-1/actions/org.libvirt.unix.policy");

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("ACC-01", "No ordinary user can log in")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Questions.Accounts, LoginDefs, NameSwitch],
            Source = "Xen 3.0 Users' Manual, security considerations",
            Why = "Whoever has a shell on the host is one local hole away from all of its guests.",
            Expected = "no account of a person with a shell, but those of the plan's Users and Administrators",
            Judge = NoOrdinaryUsers,
            Remedy = "Remove the account (userdel), or take its shell away; or name the person in the plan's Users or Administrators.",
            Repair = host => [.. People(host).Select(account => new Change("usermod", [SetShell(account.Name, NoShell)], new ToolCall("grep", "-sE", $"^{account.Name}:.*:{NoShell}$", "/etc/passwd"), [SetShell(account.Name, account.Shell)]))],
        },
        new("ACC-02", "Only root is root")
        {
            Category = Category, Severity = HardeningSeverity.Critical, Needs = [Questions.Accounts],
            Source = "ComplianceAsCode accounts_no_uid_except_zero",
            Why = "A second account with the number 0 is root under a name that nobody watches.",
            Expected = "no account but root has the number 0",
            Judge = host =>
            {
                var roots = Accounts(host).Where(account => account.Id == 0).ToArray();
                if (roots.All(account => account.Name != "root")) return Verdict.Fail("no account named root has the number 0", roots.Select(account => $"/etc/passwd: {account.Name} has the number 0").DefaultIfEmpty("/etc/passwd: no account with the number 0"));
                return Verdict.Unless([.. roots.Where(account => account.Name != "root").Select(account => $"/etc/passwd: {account.Name} has the number 0")], "only root", "/etc/passwd: root has the number 0, and no other");
            },
            Remedy = "Find out who made the account; give it a number of its own (usermod -u), or remove it.",
        },
        new("ACC-03", "Only planned people are in groups that amount to root")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Questions.Accounts, Questions.Groups, LoginDefs],
            Source = "RHEL 10 Configuring and managing virtualization 19.3; libvirt, access control",
            Why = "A member of libvirt can give a guest any file of the host; a member of disk reads and writes every disk.",
            Expected = $"none but the plan's Administrators in {string.Join(", ", RootGroups)}",
            Judge = host => Verdict.Unless([.. Members(host).Select(member => $"/etc/group: {member.User} is in {member.Group}")], "none", $"/etc/group: {string.Join(", ", RootGroups)}"),
            Remedy = "Take them out of the group (gpasswd -d USER GROUP), or name them in the plan's Administrators.",
            Repair = host => [.. Members(host).Where(member => !member.IsFirst).Select(member => new Change("gpasswd", [Membership("-d", member)], IsNoMember(member), [Membership("-a", member)]))],
        },
        new("ACC-04", "polkit lets not everybody manage guests")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [PolkitFiles],
            Source = "libvirt, access control: polkit",
            Why = $"{ManageAction} for all makes every local user root by way of a guest.",
            Expected = $"no rule says yes to anybody for {ManageAction}",
            Judge = PolkitIsClosed,
            Remedy = "Remove the rule, or bind it to a group of administrators: subject.isInGroup(\"libvirt\").",
        },
        new("ACC-05", "No empty password, and no account from NIS")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Questions.Accounts, Questions.Groups, Shadow],
            Source = "ComplianceAsCode no_empty_passwords, no_legacy_plus_entries",
            Why = "An empty password is none; a + line lets a server in the network say who is root.",
            Expected = "no empty password in passwd and shadow, and no line that begins with +",
            Judge = NoEmptyPasswords,
            Remedy = "Lock the account (passwd -l) or set a password; take the + lines out with vipw and vigr.",
            Repair = host => [.. Empty(host).Select(name => new Change("usermod", [SetPassword(name, "!")], new ToolCall("grep", "-sc", $"^{name}:!", "/etc/shadow"), [SetPassword(name, "")]))],
        },
        new("ACC-06", "Administrators become root by sudo, and are asked who they are")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [SudoersFiles, Shadow, Questions.Groups],
            Source = "RHEL 7 Virtualization Security Guide 2.1",
            Why = "A shared password of root's has no name in any log; sudo without a password makes a stolen session root.",
            Expected = "no NOPASSWD for all commands, only the plan's Administrators may do all, and root's password is locked",
            Judge = ByNameAndPassword,
            Remedy = "Edit sudoers (visudo): name administrators, without NOPASSWD and !authenticate; then lock root's password (passwd -l root), once a key or a console for emergencies is there.",
        },
        new("ACC-07", "Who is logged in is a planned administrator")
        {
            Category = Category, Severity = HardeningSeverity.Info, NeedsPlan = true, Needs = [Sessions],
            Source = "RHEL 5 Virtualization Guide, security",
            Why = "On a hypervisor people have work seldom; a session that nobody planned is worth a look.",
            Expected = "sessions at a terminal are of the plan's Administrators",
            Judge = host =>
            {
                var users = host.Facts.Text(Sessions).Split('\n', StringSplitOptions.RemoveEmptyEntries).ToArray();
                var others = users.Where(line => !host.Plan!.Administrators.Contains(line.Split(' ')[0])).Select(line => $"who: {line}").ToArray();
                return others.Length > 0 ? Verdict.Warn(Verdict.Count(others), others) : Verdict.Pass(users.Length == 0 ? "nobody is logged in at a terminal" : "planned administrators", users.Select(line => $"who: {line}").DefaultIfEmpty("who: nobody"));
            },
            Remedy = "Ask who it is (who, loginctl, last), and end the session if nobody knows.",
        },
    ];

    private static HostFile FileOf(Judged host, FactQuestion question) => host.Facts.Files(question) is [var file, ..] ? file : throw new FormatException($"there is no {question.Words}");

    private static IEnumerable<Account> Accounts(Judged host) => Passwd.Accounts(FileOf(host, Questions.Accounts).Text).Where(account => !account.IsNis);

    private static long FirstPerson(Judged host) => Passwd.FirstPerson(host.Facts.File(LoginDefs, "/etc/login.defs")?.Text ?? "");

    private static IReadOnlyList<Account> People(Judged host)
    {
        var first = FirstPerson(host);
        return [.. Accounts(host).Where(account => account.Id >= first && account.Id != Nobody && account.HasShell && host.Plan?.Users.Contains(account.Name) != true && host.Plan?.Administrators.Contains(account.Name) != true)];
    }

    private static Verdict NoOrdinaryUsers(Judged host)
    {
        var people = People(host).Select(account => $"/etc/passwd: {account.Name} ({account.Id}) has {(account.Shell.Length > 0 ? account.Shell : "/bin/sh")}").ToArray();
        if (people.Length > 0) return Verdict.Fail(Verdict.Count(people), people);
        // To ask a directory service is to start its client, perhaps; and most do not list.
        var others = Passwd.OtherSources(host.Facts.File(NameSwitch, "/etc/nsswitch.conf")?.Text ?? "");
        return others.Count > 0
            ? Verdict.Unknown($"none in /etc/passwd; accounts also come from {string.Join(", ", others)}, which was not asked", $"/etc/nsswitch.conf: passwd: {string.Join(' ', others)}")
            : Verdict.Pass("none", "/etc/passwd: no other account of a person has a shell");
    }

    private static IReadOnlyList<Member> Members(Judged host)
    {
        var (accounts, first) = (Accounts(host).ToArray(), FirstPerson(host));
        // A daemon's account is one of the system's, or one that nobody can log in to: Debian's libvirt-qemu has the number 64055.
        bool IsPlanned(string user) => user == "root" || host.Plan?.Administrators.Contains(user) == true || accounts.Any(account => account.Name == user && (account.Id < first || !account.HasShell));
        return [.. Passwd.Groups(FileOf(host, Questions.Groups).Text).Where(group => RootGroups.Contains(group.Name))
            .SelectMany(group => group.Members.Select(user => new Member(user, group.Name, false)).Concat(accounts.Where(account => account.Group == group.Id).Select(account => new Member(account.Name, group.Name, true))))
            .Where(member => !IsPlanned(member.User)).DistinctBy(member => (member.User, member.Group))];
    }

    private static Verdict PolkitIsClosed(Judged host)
    {
        var files = host.Facts.Files(PolkitFiles);
        if (files.Count == 0) return Verdict.NotApplicable("polkit has no rules and knows no action of libvirt's here");
        var grants = PolkitRules.Of(files, ManageAction);
        var open = grants.Where(grant => grant.ToAll).Select(grant => $"{grant.Path}: yes to anybody").ToArray();
        if (open.Length > 0) return Verdict.Fail(Verdict.Count(open), open);
        if (grants.FirstOrDefault(grant => grant.IsUnclear) is { } unclear) return Verdict.Unknown($"the condition in {unclear.Path} cannot be told from its text", $"{unclear.Path}: yes, under a condition");
        var groups = grants.SelectMany(grant => grant.Groups.Where(group => !AdminGroups.Contains(group)).Select(group => $"{grant.Path}: yes to the group {group}")).ToArray();
        return groups.Length > 0 ? Verdict.Warn(Verdict.Count(groups), groups) : Verdict.Pass("administrators only", grants.Select(grant => $"{grant.Path}: yes to {string.Join(", ", grant.Groups.DefaultIfEmpty("named users"))}").DefaultIfEmpty("polkit: no rule says yes without a password"));
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

    private static Verdict ByNameAndPassword(Judged host)
    {
        var files = host.Facts.Files(SudoersFiles);
        var isRootOpen = Passwd.Passwords(FileOf(host, Shadow).Text).GetValueOrDefault("root") == "set";
        if (files.Count == 0) return isRootOpen ? Verdict.Fail("there is no sudo: administrators share root's password", "/etc/sudoers: not there", "/etc/shadow: root has a password") : Verdict.NotApplicable("there is no sudo, and root has no password: nobody becomes root by one");
        var sudoers = Sudoers.Parse(files);
        string[] wrong =
        [
            .. sudoers.Grants.Where(grant => grant is { IsAll: true, WithoutPassword: true }).Select(grant => $"{grant.Path}:{grant.Line}: {grant.Who} may do all without a password"),
            .. sudoers.Unauthenticated,
            .. host.Plan is null ? [] : Unplanned(host, sudoers),
        ];
        if (wrong.Length > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        if (sudoers.Includes.Count > 0) return Verdict.Unknown($"sudoers includes {string.Join(", ", sudoers.Includes)}, which was not read");
        var grants = sudoers.Grants.Where(grant => grant.IsAll).Select(grant => $"{grant.Path}:{grant.Line}: {grant.Who} may do all, with a password");
        return isRootOpen ? Verdict.Warn("root has a password, which can be shared", ["/etc/shadow: root has a password", .. grants]) : Verdict.Pass("by name and password", ["/etc/shadow: root has no password", .. grants]);
    }

    private static IEnumerable<string> Unplanned(Judged host, Sudoers sudoers)
    {
        var groups = Passwd.Groups(FileOf(host, Questions.Groups).Text);
        foreach (var grant in sudoers.Grants.Where(grant => grant.IsAll && grant.Who != "root"))
        {
            var people = grant.Who.StartsWith('%') ? groups.FirstOrDefault(group => group.Name == grant.Who[1..])?.Members ?? [] : [grant.Who];
            foreach (var person in people.Where(person => person != "root" && !host.Plan!.Administrators.Contains(person))) yield return $"{grant.Path}:{grant.Line}: {person} may do all, and is no planned administrator";
        }
    }

    private static ToolCall SetShell(string user, string shell) => new("usermod", "-s", shell, "--", user) { Mutating = true };

    private static ToolCall SetPassword(string user, string password) => new("usermod", "-p", password, "--", user) { Mutating = true };

    private static ToolCall Membership(string how, Member member) => new("gpasswd", how, member.User, member.Group) { Mutating = true };

    private static ToolCall IsNoMember(Member member) =>
        ToolCall.Script("is-no-member", """case ",$(sed -n "s/^$2:[^:]*:[^:]*://p" /etc/group)," in *",$1,"*) ;; *) echo gone;; esac""", member.User, member.Group);

    /// <summary>A member of a group; <paramref name="IsFirst"/>: it is the account's first group.</summary>
    private sealed record Member(string User, string Group, bool IsFirst);
}
