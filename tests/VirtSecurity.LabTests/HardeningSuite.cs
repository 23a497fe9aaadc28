using System.Management.Automation;
using System.Text.RegularExpressions;
using VirtSecurity.Lab;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>
/// The checks on a real host, of either hypervisor: what they say of it by the lab's own plan, that asking leaves it as it is and tells no secret, and that what is made wrong
/// is seen while it is there.
/// </summary>
public abstract class HardeningSuite(LabFixture fixture) : LabTest(fixture)
{
    private const string PlanOption = "-Plan $plan";

    /// <summary>The lab's plan, with what the lab has to be weak in waived.</summary>
    private static readonly string Plan = Path.Combine(EngineRun.RepoRoot, "tests/VirtSecurity.LabTests/lab-plan.psd1");

    /// <summary>Besides what changes a host, what would start a daemon.</summary>
    private static readonly string[] Never = ["virsh", "libvirtd", "virtqemud", "virtlogd", "virtlockd", "xenstored", "modprobe", "insmod", "setenforce", "setsebool", "semodule", "load_policy", "useradd", "usermod", "userdel", "sysctl", "tee"];

    /// <summary>Bash: makes a host with a guest of what was just started; the store /virtstorage is there.</summary>
    protected abstract string Prepare { get; }

    /// <summary>What is made wrong: each round at once, and taken back before the next.</summary>
    protected abstract IReadOnlyList<IReadOnlyList<Weakness>> Rounds { get; }

    /// <summary>The checks that nothing can be said of on the lab, each with words of its reason.</summary>
    protected abstract IReadOnlyDictionary<string, string> Unknown { get; }

    [Fact]
    public async Task AHostIsJudgedByItsPlanInOneRoundTripHereAndElsewhereAndStaysAsItWas()
    {
        // It would end by itself, two minutes after it was asked last.
        await OnHost("systemctl stop libvirtd.service");
        var before = await State();
        var recorder = new Recorder(Machine);
        await recorder.StartAsync();
        using var ssh = new SshLog();
        var facts = Path.GetTempFileName();

        var live = ssh.Run(Script($"Test-Dom0Hardening -VirtHost $lab {PlanOption}"));
        Assert.Equal(1, ssh.Count);
        var taken = ssh.Run(Script($"[System.IO.File]::WriteAllText('{facts}', [System.Management.Automation.PSSerializer]::Serialize(@(Get-Dom0Fact -VirtHost $lab), 3))"));
        Assert.Equal(2, ssh.Count);

        Assert.Empty((await recorder.StopAsync()).Intersect(Recorder.Mutating.Except(["systemctl"]).Concat(Never)));
        Assert.Equal(before, await State());
        Assert.Empty(live.Errors.Concat(taken.Errors).Select(error => Text(error, "Message")));
        foreach (var result in live.Output) TestContext.Current.TestOutputHelper?.WriteLine(Row(result));

        // Without ssh, or any other tool.
        var elsewhere = EngineRun.Of(
            Script($"[System.Management.Automation.PSSerializer]::Deserialize([System.IO.File]::ReadAllText('{facts}')) | Test-Dom0Hardening {PlanOption}; Get-Dom0HardeningRule"), [], new Dictionary<string, string> { ["PATH"] = "/nonexistent" });
        Assert.Empty(elsewhere.Errors.Select(error => Text(error, "Message")));
        var (judged, rules) = (elsewhere.Output.Where(IsResult).ToArray(), elsewhere.Output.Where(one => !IsResult(one)).ToArray());
        Assert.Equal(live.Output.Select(Row), judged.Select(Row));
        Assert.Equal(rules.Select(rule => Text(rule, "Id")), live.Output.Select(result => Text(result, "Id")));
        File.Delete(facts);

        // What the lab is weak in, its plan says; the checks are not softer for that.
        Assert.Empty(live.Output.Where(result => Text(result, "Status") == "Fail").Select(Row));
        Assert.Equal(Unknown.Keys.Order(), live.Output.Where(result => Text(result, "Status") == "Unknown").Select(result => Text(result, "Id")).Order());
        Assert.All(Unknown, one => Assert.Contains(one.Value, Text(ResultOf(live.Output, one.Key), "Actual"), StringComparison.Ordinal));
        Assert.All(live.Output.Where(result => Text(result, "Status") == "Waived"), result => Assert.StartsWith("waived until ", Text(result, "Evidence"), StringComparison.Ordinal));
        Assert.All(live.Output, result => Assert.NotEmpty(Text(result, "Actual")));
        Assert.All(live.Output.Where(result => Text(result, "Status") is "Pass" or "Waived"), result => Assert.NotEmpty(Text(result, "Evidence")));
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task EachWeaknessIsSeenWhereItIsAndNoLongerWhenItIsTakenBack()
    {
        await PrepareAsync();
        var folder = Directory.CreateTempSubdirectory("virtlab-runs").FullName;
        var before = Judge($"{folder}/before");
        foreach (var weaknesses in Rounds)
        {
            await OnHostAsync(Weakness.MakeAll(weaknesses));
            var weak = Judge($"{folder}/weak");
            await OnHostAsync(Weakness.TakeAllBack(weaknesses));
            var after = Judge($"{folder}/after");

            var finds = weaknesses.SelectMany(weakness => weakness.Finds.Select(find => (weakness.What, find.Check, find.Evidence))).ToArray();
            Assert.All(finds, find =>
            {
                var (was, result) = (ResultOf(before, find.Check), ResultOf(weak, find.Check));
                Assert.True(Text(was, "Status") is "Pass" or "NotApplicable" or "Warn", $"before: {Row(was)}");
                Assert.True(Text(result, "Status") == "Fail" && Regex.IsMatch(Text(result, "Evidence"), find.Evidence), $"{find.What}: {Row(result)}");
            });
            // Audit's log keeps what was refused meanwhile.
            Assert.Equal(before.Where(result => Text(result, "Id") != "AUD-04").Select(Row), after.Where(result => Text(result, "Id") != "AUD-04").Select(Row));

            // The same by the cmdlet that compares runs. What was a warning before is still there.
            string Read(string run) => $"[System.Management.Automation.PSSerializer]::Deserialize([System.IO.File]::ReadAllText('{folder}/{run}'))";
            var compared = EngineRun.Of($"Compare-Dom0Hardening ({Read("before")}) ({Read("weak")}); 'then'; Compare-Dom0Hardening ({Read("weak")}) ({Read("after")})");
            Assert.Empty(compared.Errors);
            var then = compared.Output.ToList().FindIndex(one => one.BaseObject is "then");
            string[] New(IEnumerable<PSObject> changes) => [.. changes.Where(change => Text(change, "Change") == "New").Select(change => Text(change, "Id"))];
            Assert.Superset(finds.Select(find => find.Check).Where(check => Text(ResultOf(before, check), "Status") != "Warn").ToHashSet(), New(compared.Output.Take(then)).ToHashSet());
            Assert.Empty(New(compared.Output.Skip(then + 1)));
        }

        Directory.Delete(folder, true);
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task AHostWrittenDownAsAPlanDoesNotDifferFromItUntilItChanges()
    {
        await PrepareAsync();
        var folder = Directory.CreateTempSubdirectory("virtlab-plan").FullName;
        var before = await State();
        using var ssh = new SshLog();
        var run = ssh.Run(Script($"""
            New-VirtDeploymentPlan -VirtHost $lab | Export-VirtDeploymentPlan '{folder}/host.psd1' -PassThru | Export-VirtDeploymentPlan '{folder}/host.json'
            Import-VirtDeploymentPlan '{folder}/host.psd1' | Test-VirtDeploymentPlan -VirtHost $lab
            Test-VirtDeploymentPlan '{folder}/host.json' -VirtHost $lab -Quiet
            """));
        Assert.Empty(run.Errors.Select(error => Text(error, "Message")));
        Assert.Empty(run.Warnings);
        Assert.Equal([true], run.Output.Select(one => one.BaseObject));
        Assert.Equal(3, ssh.Count);
        Assert.Equal(before, await State());
        TestContext.Current.TestOutputHelper?.WriteLine(await File.ReadAllTextAsync($"{folder}/host.psd1", TestContext.Current.CancellationToken));

        await OnHostAsync(Weakness.MakeAll([HostWeaknesses.Person, HostWeaknesses.Unplanned]));
        var changed = PowerShell($"Test-VirtDeploymentPlan '{folder}/host.psd1' -VirtHost $lab");
        Assert.Equal(["Services Unplanned stray.service", "Users Unplanned stranger"], changed.Output.Select(one => $"{Text(one, "Section")} {Text(one, "Kind")} {Text(one, "Name")}").Order());
        Directory.Delete(folder, true);
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task NoSecretOfTheHostIsInAnyStreamOrReport()
    {
        await OnHost(Secrets.Plant);
        var folder = Directory.CreateTempSubdirectory("virtlab-secrets").FullName;
        var run = PowerShell($$"""
            $plan = '{{Plan}}'
            Get-Dom0Fact -VirtHost $lab -Verbose -Debug
            Test-Dom0Hardening -VirtHost $lab {{PlanOption}} -Verbose -Debug -OutVariable results
            foreach ($name in 'r.html', 'r.sarif', 'r.xml') { $results | Export-Dom0HardeningReport "{{folder}}/$name" }
            New-VirtDeploymentPlan -VirtHost $lab -Verbose -Debug -OutVariable draft
            $draft | Export-VirtDeploymentPlan '{{folder}}/draft.json'
            Test-VirtDeploymentPlan -Plan $draft[0] -VirtHost $lab -Verbose -Debug
            """);
        Assert.Empty(run.Errors.Select(error => Text(error, "Message")));
        Assert.Equal(4, Directory.GetFiles(folder).Length);
        var texts = run.Output.Concat(run.Errors).Select(record => PSSerializer.Serialize(record, 5)).Concat(run.Verbose).Concat(run.Debug).Concat(run.Warnings).Concat(run.Console).Append(run.Rendered)
            .Concat(Directory.GetFiles(folder).Select(File.ReadAllText)).SelectMany(text => text.Split('\n')).ToArray();
        Assert.Contains(texts, text => text.Contains("admin:set", StringComparison.Ordinal));
        Assert.Contains(texts, text => text.Contains("secretive", StringComparison.Ordinal));
        Assert.Empty(texts.Where(text => text.Contains(Secrets.Mark, StringComparison.Ordinal)).Distinct());
        Directory.Delete(folder, true);
    }

    /// <summary>A volume, and a guest on it.</summary>
    protected async Task PrepareAsync()
    {
        Assert.Empty(PowerShell("New-SecureGuestVolume volumegroup images 300MB -MountPoint /virtstorage -VirtHost $lab").Errors);
        await OnHostAsync("set -e\n" + Prepare);
    }

    /// <summary>A script that may take its time on the emulated machine.</summary>
    protected Task OnHostAsync(string script) => Machine.CheckAsync(script, TimeSpan.FromMinutes(20), TestContext.Current.CancellationToken);

    /// <summary>With $lab as the host and $plan as the lab's plan.</summary>
    protected string Script(string script) => $"$lab = '{Machine.VirtHost}'; $plan = '{Plan}'\n{script}";

    protected static PSObject ResultOf(IEnumerable<PSObject> results, string id) => results.Single(result => Text(result, "Id") == id);

    /// <summary>A result as a text, in which all of it counts.</summary>
    protected static string Row(PSObject result) => $"{Text(result, "Id")} {Text(result, "Status")}: {Text(result, "Actual")}\n    {Text(result, "Evidence").Replace("\n", "\n    ", StringComparison.Ordinal)}";

    private static bool IsResult(PSObject one) => one.TypeNames.Any(name => name.EndsWith(".Dom0HardeningResult", StringComparison.Ordinal));

    private PSObject[] Judge(string file)
    {
        var run = EngineRun.Of(Script($"$results = Test-Dom0Hardening -VirtHost $lab {PlanOption}; [System.IO.File]::WriteAllText('{file}', [System.Management.Automation.PSSerializer]::Serialize(@($results), 3)); $results"));
        Assert.Empty(run.Errors.Select(error => Text(error, "Message")));
        return [.. run.Output];
    }

    /// <summary>What asking could change: files and their labels, mounts, units, processes, modules, settings and rules of the kernel.</summary>
    private Task<string> State() => OnHost("""
        findmnt -rn -o TARGET,SOURCE,FSTYPE,OPTIONS
        # A guest that runs writes to its image.
        find /etc /boot /var/lib/libvirt /var/lib/xen /var/lib/selinux /usr/local /virtstorage -xdev '(' -context '*:svirt_image_t:*' -printf '%p %y %m %u:%g %s %Z\n' ')' -o -printf '%p %y %m %u:%g %s %T@ %l %Z\n' 2>/dev/null | sort
        find /etc -xdev -type f -print0 | sort -z | xargs -0 sha256sum
        find /dev -xdev -printf '%p %m %u:%g %Z\n' | sort
        find /run/libvirt /run/xen /run/systemd/units /var/lib/xen -printf '%p %y %m %u:%g %Z\n' 2>/dev/null | grep -v -e session- -e user@ -e user-runtime | sort
        systemctl list-units --all --plain --full --no-legend --type=service,socket,timer,mount | awk '{ print $1, $3, $4 }' | grep -v -e '^user' -e '^session-' | sort
        ps -eo user=,label=,args= | grep -e '[v]irt' -e '[q]emu' -e '[x]en' | grep -v virtlab | sort
        ss -Hltun | awk '{ print $1, $5 }' | sort
        cut -d ' ' -f 1 /proc/modules | sort
        getsebool -a
        sysctl -a 2>/dev/null | grep -e '^kernel\.[dk]' -e '^kernel\.yama' -e forward -e bridge
        nft list ruleset
        lvs --noheadings -o vg_name,lv_name,lv_attr,lv_size,lv_tags
        cat /sys/fs/selinux/enforce
        """);
}
