using System.Management.Automation;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>The journal as objects: what was done is listed, taken back, and finished where it was cut off.</summary>
public sealed class ChangeTests
{
    private const string New = "New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1\n";
    private const string Run = "20261122T101500Z-0a1b2c3d";
    private const string JournalFile = "var/lib/virtsecurity/journal/" + Run;
    private const string Rules = "etc/selinux/default/contexts/files/file_contexts.local";

    [Fact]
    public void WhatWasDoneIsListedAndTakenBack()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1");
        var (fstab, rules) = (kvm.Read("etc/fstab"), kvm.Read(Rules));
        var run = hosts.Run(New + """
            Get-VirtChange -VirtHost kvm1
            (Get-VirtChange -VirtHost kvm1 | Get-VirtChange).Run
            @(Get-VirtChange -Unfinished -VirtHost kvm1).Count
            @([pscustomobject]@{ Run = $null; VirtHost = 'kvm1' } | Get-VirtChange).Count
            Get-VirtChange -VirtHost kvm1 | Undo-VirtChange -Confirm:$false
            Get-VirtChange -VirtHost kvm1 | Undo-VirtChange -Confirm:$false
            """);

        Assert.Empty(run.Errors.Select(error => error.Properties["Message"].Value));
        var change = run.Output[1];
        Assert.Equal(("Done", "New-SecureGuestVolume", "kvm1", "volumegroup/images"), (Text(change, "State"), Text(change, "Command"), Text(change, "VirtHost"), Text(change, "Subject")));
        Assert.Contains("@", Text(change, "User"), StringComparison.Ordinal);
        Assert.Equal(Text(change, "Run"), run.Output[2].ToString());
        Assert.Equal(["0", "0"], run.Output.Skip(3).Take(2).Select(count => count.ToString()));
        Assert.Equal(["Undone", "Undone"], run.Output.Skip(5).Select(undone => Text(undone, "State")));
        Assert.Equal((fstab, rules), (kvm.Read("etc/fstab"), kvm.Read(Rules)));
        Assert.False(kvm.Has("/virtstorage"));
        Assert.False(kvm.Has("/state/lv/volumegroup/images"));
        Assert.Single(kvm.Calls, call => call.StartsWith("lvremove", StringComparison.Ordinal));
    }

    [Fact]
    public void ARunThatWasCutOffKeepsOthersOffItsObjectsUntilItIsFinished()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").CutOff(Run, "volumegroup/images");
        kvm.MakeDirectory("/srv/cut", UnixFileMode.UserRead);
        var run = hosts.Run(New + $$"""
            Set-VirtImageContext /srv/cut -VirtHost kvm1
            New-SecureGuestVolume volumegroup other 1GB /other -VirtHost kvm1
            Resume-VirtChange {{Run}} -VirtHost kvm1 -WhatIf
            Resume-VirtChange {{Run}} -VirtHost kvm1
            """);
        kvm.RemoveDirectory("/srv/cut");
        var again = hosts.Run($"Resume-VirtChange {Run} -VirtHost kvm1\n" + New);

        Assert.Equal(["UnfinishedRun", "UnfinishedRun", "ToolFailed"], run.Errors.Select(Id));
        Assert.Equal(["volumegroup/images", "/srv/cut"], run.Errors.Take(2).Select(error => Text(error, "Target")));
        Assert.All(run.Errors, error => Assert.Contains(Run, Text(error, "Message"), StringComparison.Ordinal));
        Assert.All(run.Errors.Take(2), error => Assert.Contains($"Resume-VirtChange {Run} -VirtHost 'kvm1'", Text(error, "RecommendedAction"), StringComparison.Ordinal));
        Assert.Contains("the step 'mkdir' failed: ", Text(run.Errors[2], "Message"), StringComparison.Ordinal);
        Assert.Equal(["volumegroup/other", Run], run.Output.Select(made => made.ToString()));
        Assert.Equal("Unfinished", Text(run.Output[1], "State"));
        Assert.Contains("mkdir -m 0000 -- /srv/cut", Assert.Single(run.Console), StringComparison.Ordinal);
        Assert.Empty(again.Errors.Select(error => error.Properties["Message"].Value));
        Assert.Equal("Done", Text(again.Output[0], "State"));
        Assert.Equal("volumegroup/images", again.Output[1].ToString());
        Assert.True(kvm.Has("/srv/cut"));
    }

    [Fact]
    public void UndoAsksAndShowsTheCommandLinesThatTakeEachStepBack()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").CutOff(Run, "volumegroup/images").MakeDirectory("/srv/cut", UnixFileMode.None);
        var run = hosts.Run($"Undo-VirtChange {Run} -VirtHost kvm1; Undo-VirtChange {Run} -VirtHost kvm1; Resume-VirtChange {Run} -VirtHost kvm1", "--answers", "ny");

        Assert.Equal(2, run.Questions.Count);
        Assert.Contains("rmdir -- /srv/cut", run.Questions[0], StringComparison.Ordinal);
        Assert.Equal("Undone", Text(Assert.Single(run.Output), "State"));
        Assert.Equal("NotToBeFinished", Id(Assert.Single(run.Errors)));
        Assert.False(kvm.Has("/srv/cut"));
    }

    [Fact]
    public void WhatCannotBeTakenBackKeepsEverythingAndIsAnErrorWithTheToolsWords()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1");
        Assert.Empty(hosts.Run(New).Errors);
        var fstab = kvm.Read("etc/fstab");
        kvm.Fail("umount", "umount: /virtstorage: target is busy.", 32);
        var run = hosts.Run("Get-VirtChange -VirtHost kvm1 | Undo-VirtChange -Confirm:$false");

        var error = Assert.Single(run.Errors);
        Assert.Equal("ChangeNotUndone", Id(error));
        Assert.Contains("the step 'mount' could not be undone: umount: /virtstorage: target is busy.", Text(error, "Message"), StringComparison.Ordinal);
        Assert.Contains("NOT undone; run on the host: umount -- /virtstorage", Text(error, "Message"), StringComparison.Ordinal);
        Assert.Equal("Done", Text(Assert.Single(run.Output), "State"));
        Assert.Equal(fstab, kvm.Read("etc/fstab"));
        Assert.Contains("/virtstorage", kvm.Read(Rules), StringComparison.Ordinal);
    }

    [Fact]
    public void AJournalThatCannotBeReadIsSaidAndNothingIsGuessed()
    {
        using var hosts = new ScriptedHosts();
        var good = hosts.Add("whole").CutOff(Run, "volumegroup/images").Read(JournalFile);
        hosts.Add("none");
        hosts.Add("torn").Write(JournalFile, good[..(good.Length / 2)]);
        hosts.Add("damaged").Write(JournalFile, "{ not a line\n" + good);
        hosts.Add("newer").Write(JournalFile, good.Replace("\"v\":2", "\"v\":3", StringComparison.Ordinal));
        hosts.Add("older").Write(JournalFile, good.Replace("\"v\":2", "\"v\":1", StringComparison.Ordinal));
        hosts.Add("user").Write("state/uid", "1000").CutOff(Run, "volumegroup/images");
        var cases = new Cases(hosts,
        [
            ("none", "Get-VirtChange -VirtHost none; Get-VirtChange -Unfinished -VirtHost none"),
            ("torn", "Get-VirtChange -VirtHost torn"),
            ("torn, new", "New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost torn"),
            ("damaged", "Get-VirtChange -VirtHost damaged"),
            ("damaged, undo", $"Undo-VirtChange {Run} -VirtHost damaged -Confirm:$false"),
            ("damaged, new", "New-SecureGuestVolume volumegroup x 1GB /x -VirtHost damaged"),
            ("newer", "Get-VirtChange -VirtHost newer"),
            ("newer, resume", $"Resume-VirtChange {Run} -VirtHost newer"),
            ("older", "Get-VirtChange -VirtHost older"),
            ("older, undo", $"Undo-VirtChange {Run} -VirtHost older -Confirm:$false"),
            ("not there", "Get-VirtChange 20260101T000000Z-00000000 -VirtHost whole"),
            ("not there, undo", "Undo-VirtChange 20260101T000000Z-00000000 -VirtHost whole -Confirm:$false"),
            ("no name of a run", "Resume-VirtChange ../x -VirtHost whole"),
            ("no wildcard match", "Get-VirtChange 1999* -VirtHost whole"),
            ("wildcard match", "Get-VirtChange 20261122T* -VirtHost whole"),
            ("user", "Get-VirtChange -VirtHost user"),
        ]);

        Assert.Empty(cases.Output("none"));
        Assert.Equal("Undone", cases.Text("torn", "State"));
        Assert.Single(cases.Output("torn, new"));
        Assert.Equal("Damaged", cases.Text("damaged", "State"));
        Assert.Contains("line 1 cannot be read", cases.Text("damaged", "Problem"), StringComparison.Ordinal);
        Assert.Equal(["JournalDamaged", "JournalDamaged"], ((string[])["damaged, undo", "damaged, new"]).Select(name => Assert.Single(cases.Errors(name)).Id));
        Assert.Equal("Damaged", cases.Text("newer", "State"));
        Assert.Equal("JournalNewer", Assert.Single(cases.Errors("newer, resume")).Id);
        Assert.Equal("Unfinished", cases.Text("older", "State"));
        Assert.Equal("JournalTooOld", Assert.Single(cases.Errors("older, undo")).Id);
        Assert.All((string[])["not there", "not there, undo", "no name of a run"], name => Assert.Equal("RunNotFound", Assert.Single(cases.Errors(name)).Id));
        Assert.Empty(cases.Output("no wildcard match"));
        Assert.Single(cases.Output("wildcard match"));
        Assert.Equal("NotPrivileged", Assert.Single(cases.Errors("user")).Id);
    }

    [Fact]
    public void ThousandsOfRunsAreReadInOneRoundTrip()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").CutOff(Run, "volumegroup/images");
        var line = kvm.Read(JournalFile);
        for (var i = 0; i < 1500; i++) kvm.Write($"var/lib/virtsecurity/journal/20260101T000000Z-{i:x8}", line + "{\"v\":2,\"outcomes\":[{\"subject\":\"volumegroup/images\",\"outcome\":\"done\"}],\"event\":\"end\"}\n");
        // The last of a lot has a torn last line: the next lot's first file must not be glued to it.
        kvm.Write($"var/lib/virtsecurity/journal/20260101T000000Z-{499:x8}", line + "{\"v\":2,\"outc");
        var run = hosts.Run("@(Get-VirtChange -VirtHost kvm1 | Where-Object State -eq Done).Count; (Get-VirtChange -Unfinished -VirtHost kvm1).Run");
        Assert.Equal(["1499", "20260101T000000Z-000001f3", Run], run.Output.Select(value => value.ToString()));
        Assert.Equal(2, hosts.SshCalls.Count);
    }

    [Fact]
    public void AConsoleOfEightyColumnsShowsEachRunInALine()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1").CutOff(Run, "volumegroup/images");
        var view = hosts.Rendering("$PSStyle.OutputRendering = 'PlainText'; Get-VirtChange -VirtHost kvm1");
        Assert.All(view.Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.Contains($"{Run} Unfinished   New-SecureGuestVolume volumegroup/images", view, StringComparison.Ordinal);
    }

    private static string Id(PSObject error) => Text(error, "FullyQualifiedErrorId").Split(',')[0];

    private static string Text(PSObject value, string property) => value.Properties[property].Value switch
    {
        PSObject { BaseObject: System.Collections.IEnumerable and not string } many => string.Join(',', LanguagePrimitives.ConvertTo<string[]>(many)),
        var one => one?.ToString() ?? "",
    };
}
