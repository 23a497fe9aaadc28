using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Questions about accounts, and what the rules of the category read from the answers.</summary>
internal static class AccountFacts
{
    /// <summary>Whose password is empty, locked or set.</summary>
    public static FactQuestion Shadow { get; } = FactQuestion.Files("shadow", "/etc/shadow") with { Reduce = Passwd.ShadowSecrets };

    /// <summary>Where people's numbers begin.</summary>
    public static FactQuestion LoginDefs { get; } = FactQuestion.Files("login-defs", "/etc/login.defs");

    /// <summary>Where accounts, groups and rules of sudo come from.</summary>
    public static FactQuestion NameSwitch { get; } = FactQuestion.Files("nsswitch", "/etc/nsswitch.conf");

    /// <summary>Whether there is a directory behind what it names.</summary>
    public static FactQuestion Directories { get; } = FactQuestion.Look("account-directories", [.. Passwd.Directories]);

    /// <summary>The questions behind <see cref="OtherSources"/>.</summary>
    public static IReadOnlyList<FactQuestion> SourceNeeds { get; } = [NameSwitch, Directories];

    /// <summary>The one file that is asked for.</summary>
    /// <exception cref="FormatException">It is not there.</exception>
    public static HostFile FileOf(Judged host, FactQuestion question) => host.Facts.Files(question) is [var file, ..] ? file : throw new FormatException($"there is no {question.Words}");

    /// <summary>The accounts of the host itself.</summary>
    public static IEnumerable<Account> Accounts(Judged host) => Passwd.Accounts(FileOf(host, Questions.Accounts).Text).Where(account => !account.IsNis);

    /// <summary>The first number of people's accounts.</summary>
    public static long FirstPerson(Judged host) => Passwd.FirstPerson(host.Facts.File(LoginDefs, "/etc/login.defs")?.Text ?? "");

    /// <summary>Where else a database's entries come from. To ask a directory service is to start its client, perhaps; and most do not list.</summary>
    public static IReadOnlyList<string> OtherSources(Judged host, string database) =>
        Passwd.OtherSources(host.Facts.File(NameSwitch, "/etc/nsswitch.conf")?.Text ?? "", database, [.. host.Facts.Files(Directories).Select(file => file.Path)]);
}
