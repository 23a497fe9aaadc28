using System.Globalization;
using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.AccountFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Accounts about who is as good as root: by a group, by polkit, by sudo.</summary>
internal static class AdministratorRules
{
    private const string ManageAction = "org.libvirt.unix.manage";

    /// <summary>Accounts of virtualization's own daemons, which belong in its groups: Debian's and Fedora's libvirt, sanlock, oVirt.</summary>
    private static readonly string[] OwnDaemons = ["libvirt-qemu", "qemu", "libvirtdbus", "sanlock", "vdsm"];

    /// <summary>Groups that administrators are in: distributions' polkit rules name them.</summary>
    private static readonly string[] AdminGroups = ["libvirt", "libvirtd", "wheel", "sudo", "admin", "root"];

    private static FactQuestion SudoersFiles { get; } = FactQuestion.Files("sudoers", "/etc/sudoers", "/etc/sudoers.d/*");
    private static FactQuestion PolkitFiles { get; } = FactQuestion.Files(
        "polkit", "/etc/polkit-1/rules.d/*.rules", "/usr/share/polkit-1/rules.d/*.rules", "/usr/local/share/polkit-1/rules.d/*.rules", "/etc/polkit-1/localauthority/*/*.pkla", "/var/lib/polkit-1/localauthority/*/*.pkla", "/usr/share/polkit-1/actions/org.libvirt.unix.policy");

    /// <summary>Who is root by a group, or by polkit.</summary>
    public static IReadOnlyList<HardeningRule> Groups { get; } =
    [
        new("ACC-03", "Only planned people are in groups that amount to root")
        {
            Category = AccountRules.Category, Severity = HardeningSeverity.High, Needs = [Questions.Accounts, Questions.Groups, LoginDefs, .. SourceNeeds],
            Source = "RHEL 10 Configuring and managing virtualization 19.3; libvirt, access control",
            Why = "A member of libvirt can give a guest any file of the host; a member of disk reads and writes every disk.",
            Expected = $"none but the plan's Administrators in {string.Join(", ", Passwd.RootGroups)}, besides the accounts of virtualization's own daemons",
            Judge = OnlyPlannedMembers,
            Remedy = "Take them out of the group (gpasswd -d USER GROUP), or name them in the plan's Administrators.",
            Repair = host => [.. Members(host).Where(member => member is { IsFirst: false, IsDaemon: false }).Select(member => new Change("gpasswd", [Membership("-d", member)], IsNoMember(member), [Membership("-a", member)]))],
        },
        new("ACC-04", "polkit lets not everybody manage guests")
        {
            Category = AccountRules.Category, Severity = HardeningSeverity.High, Needs = [PolkitFiles],
            Source = "libvirt, access control: polkit",
            Why = $"{ManageAction} for all makes every local user root by way of a guest.",
            Expected = $"no rule says yes to anybody for {ManageAction}",
            Judge = PolkitIsClosed,
            Remedy = "Remove the rule, or bind it to a group of administrators: subject.isInGroup(\"libvirt\").",
        },
    ];

    /// <summary>Who is root by sudo.</summary>
    public static HardeningRule Sudo { get; } = new("ACC-06", "Administrators become root by sudo, and are asked who they are")
    {
        Category = AccountRules.Category,
        Severity = HardeningSeverity.Medium,
        Needs = [SudoersFiles, Shadow, Questions.Groups, Questions.Accounts, .. SourceNeeds],
        Source = "RHEL 7 Virtualization Security Guide 2.1",
        Why = "A shared password of root's has no name in any log; sudo without a password makes a stolen session root.",
        Expected = "no NOPASSWD for all commands, only the plan's Administrators may do all, and root's password is locked",
        Judge = ByNameAndPassword,
        Remedy = "Edit sudoers (visudo): name administrators, without NOPASSWD, !authenticate and rootpw; then lock root's password (passwd -l root), once a key or a console for emergencies is there.",
    };

    private static IReadOnlyList<Member> Members(Judged host)
    {
        var (accounts, first) = (Accounts(host).ToArray(), FirstPerson(host));
        // A daemon's account is one of the system's, or one that nobody can log in to: Debian's libvirt-qemu has the number 64055.
        bool IsDaemon(string user) => accounts.Any(account => account.Name == user && (account.Id < first || !account.HasShell));
        bool IsPlanned(string user) => user == "root" || host.Plan?.Administrators.Contains(user) == true || (OwnDaemons.Contains(user) && IsDaemon(user));
        return [.. Passwd.Groups(FileOf(host, Questions.Groups).Text).Where(group => Passwd.RootGroups.Contains(group.Name))
            .SelectMany(group => group.Members.Select(user => new Member(user, group.Name, false, IsDaemon(user))).Concat(accounts.Where(account => account.Group == group.Id).Select(account => new Member(account.Name, group.Name, true, IsDaemon(account.Name)))))
            .Where(member => !IsPlanned(member.User)).DistinctBy(member => (member.User, member.Group))];
    }

    private static Verdict OnlyPlannedMembers(Judged host)
    {
        var findings = new Findings();
        findings.Right($"/etc/group: {string.Join(", ", Passwd.RootGroups)}");
        foreach (var member in Members(host))
        {
            // A service that has the host is the administrator's to weigh: whoever takes it over has the host too.
            if (member.IsDaemon) findings.Weak($"/etc/group: the service account {member.User} is in {member.Group}");
            else findings.Wrong($"/etc/group: {member.User} is in {member.Group}");
        }

        if (OtherSources(host, "group") is { Count: > 0 } others) findings.Unknown($"/etc/nsswitch.conf: members of groups also come from {string.Join(", ", others)}, which was not asked");
        return findings.Settle("none", "");
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

    private static Verdict ByNameAndPassword(Judged host)
    {
        var files = host.Facts.Files(SudoersFiles);
        var isRootOpen = Passwd.Passwords(FileOf(host, Shadow).Text).GetValueOrDefault("root") == "set";
        if (files.All(file => file.Path != Sudoers.MainFile)) return isRootOpen ? Verdict.Fail("there is no sudo: administrators share root's password", $"{Sudoers.MainFile}: not there", "/etc/shadow: root has a password") : Verdict.NotApplicable("there is no sudo, and root has no password: nobody becomes root by one");
        var sudoers = Sudoers.Parse([.. files.Where(file => file.FileType != 'd').Select(file => (file.Path, file.Lines))]);
        var findings = new Findings();
        foreach (var line in sudoers.Weakened) findings.Wrong(line);
        foreach (var path in sudoers.Includes) findings.Unknown($"{Sudoers.MainFile}: includes {path}, which was not read");
        foreach (var source in OtherSources(host, "sudoers")) findings.Unknown($"/etc/nsswitch.conf: rules of sudo also come from {source}, which was not asked");
        foreach (var grant in sudoers.Grants.Where(grant => grant.IsAll && grant.Who is not ("root" or "#0")))
        {
            var place = $"{grant.Path}:{grant.Line}";
            if (grant.WithoutPassword) findings.Wrong($"{place}: {grant.Who} may do all without a password");
            else if (grant.Who == "ALL") findings.Wrong($"{place}: everybody may do all");
            else if (host.Plan is { } plan) IsPlanned(host, plan.Administrators, grant.Who, place, findings);
            else findings.Right($"{place}: {grant.Who} may do all, with a password");
        }

        if (isRootOpen) findings.Weak("/etc/shadow: root has a password, which can be shared");
        else findings.Right("/etc/shadow: root has no password");
        return findings.Settle("by name and password", "");
    }

    /// <summary>Whether all who are behind a name in sudoers are administrators of the plan.</summary>
    private static void IsPlanned(Judged host, IReadOnlyList<string> administrators, string who, string place, Findings findings)
    {
        var (people, isWhole) = People(host, who);
        var others = people.Where(person => person != "root" && !administrators.Contains(person)).ToArray();
        foreach (var person in others) findings.Wrong($"{place}: {person} may do all, and is no planned administrator");
        if (!isWhole) findings.Unknown($"{place}: {who} may do all; who else that is, the host's own files do not tell");
        else if (others.Length == 0) findings.Right($"{place}: {who} may do all, with a password");
    }

    /// <summary>The people behind a name in sudoers, as far as the host's own files tell.</summary>
    private static (IReadOnlyList<string> People, bool IsWhole) People(Judged host, string who)
    {
        if (who.StartsWith('+') || who.StartsWith("%:", StringComparison.Ordinal)) return ([], false);
        if (who is ['#', .. var number]) return ([Accounts(host).FirstOrDefault(account => account.Id?.ToString(CultureInfo.InvariantCulture) == number)?.Name ?? who], true);
        if (!who.StartsWith('%')) return ([who.Trim('"')], true);
        var name = who[1..].Trim('"');
        var group = Passwd.Groups(FileOf(host, Questions.Groups).Text).FirstOrDefault(group => group.Name == name || name == $"#{group.Id}");
        return ([.. group?.Members ?? [], .. group is null ? [] : Accounts(host).Where(account => account.Group == group.Id).Select(account => account.Name)], OtherSources(host, "group").Count == 0);
    }

    private static ToolCall Membership(string how, Member member) => new("gpasswd", how, member.User, member.Group) { Mutating = true };

    private static ToolCall IsNoMember(Member member) =>
        ToolCall.Script("is-no-member", """case ",$(sed -n "s/^$2:[^:]*:[^:]*://p" /etc/group)," in *",$1,"*) ;; *) echo gone;; esac""", member.User, member.Group);

    /// <summary>A member of a group; <paramref name="IsFirst"/>: it is the account's first group; <paramref name="IsDaemon"/>: nobody logs in to the account.</summary>
    private sealed record Member(string User, string Group, bool IsFirst, bool IsDaemon);
}
