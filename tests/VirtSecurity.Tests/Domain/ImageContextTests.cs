using VirtSecurity.Images;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>Labels that are put right, and rules that are taken away, on a host in memory: what is touched, and what is not.</summary>
public sealed class ImageContextTests
{
    private const string Image = "system_u:object_r:virt_image_t:s0";
    private const string Running = "system_u:object_r:svirt_image_t:s0:c3,c17";

    [Fact]
    public async Task CategoriesOfAKilledGuestGoAndThoseOfARunningOneStay()
    {
        using var host = new ModelHost(Scenarios.StaleImages());
        Assert.True(Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images")])).Result!.IsCompliant);
        Assert.Equal(Image, Label(host, "/images/stale.img"));
        Assert.Equal(Image, Label(host, "/images/ranged.img"));
        Assert.Equal(Image, Label(host, "/images/shared.img"));
        Assert.Equal("unconfined_u:object_r:virt_image_t:s0", Label(host, "/images/one.img"));
        Assert.Equal(Running, Label(host, "/images/running.img"));
        Assert.Equal("system_u:object_r:default_t:s0", Label(host, "/images/open.img"));
    }

    [Fact]
    public async Task AGuestThatStartsWithLeftOverCategoriesInBetweenKeepsThem()
    {
        using var host = new ModelHost(Scenarios.StaleImages());
        host.Before = call =>
        {
            if (call.Tool == "restorecon-whole")
            {
                host.Machine.RunningRanges.Add("s0:c8,c9");
                host.Machine.Look("/images/ranged.img")!.Label = "system_u:object_r:svirt_image_t:s0:c20,c21";
                host.Machine.OpenByGuests.Add("/images/shared.img");
                host.Machine.RunningRanges.Add("s0:c20,c21");
            }

            return Task.CompletedTask;
        };
        Assert.Null(Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images")])).Failure);
        Assert.Equal("system_u:object_r:svirt_image_t:s0:c8,c9", Label(host, "/images/stale.img"));
        Assert.Equal("system_u:object_r:svirt_image_t:s0:c20,c21", Label(host, "/images/ranged.img"));
        Assert.Equal("unconfined_u:object_r:svirt_image_t:s0", Label(host, "/images/shared.img"));
    }

    [Fact]
    public async Task TheUserIsSetOnlyIfThatIsAskedFor()
    {
        using var host = new ModelHost(Scenarios.LabelledImages());
        host.Machine.Look("/images/one.img")!.Label = "unconfined_u:object_r:virt_image_t:s0";
        Assert.True(Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images")])).Plan!.IsEmpty);
        var strict = Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images") with { IsStrict = true }]));
        Assert.Equal("/images/one.img", Assert.Single(strict.Plan!.Labels).Path);
        Assert.Equal(Image, Label(host, "/images/one.img"));
    }

    [Fact]
    public async Task AFileWhoseDirectoryHasTheRuleNeedsNoneAndADirectorysRuleServesWhatIsBelow()
    {
        using var host = new ModelHost(Scenarios.ImageDirectory());
        var made = await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images/one.img"), Scenarios.Image("/images"), Scenarios.Image("/images/two.img")]);
        Assert.All(made, one => Assert.Null(one.Failure));
        Assert.Equal(["/images(/.*)?"], host.Machine.LocalRules.Select(rule => rule.Pattern));
        Assert.Single(host.Mutations, mutation => mutation.Call.Tool == Tools.Semanage.ImportName);

        host.Machine.Look("/images/two.img")!.Label = "system_u:object_r:etc_t:s0";
        var again = Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images/two.img")]));
        Assert.Empty(again.Plan!.Rules);
        Assert.Equal(Image, Label(host, "/images/two.img"));
    }

    [Fact]
    public async Task AThousandImagesAreOneCommitAndOneRelabel()
    {
        var machine = new ModelMachine();
        machine.AddFile("/srv/pool", 'd', "711", "system_u:object_r:var_t:s0");
        var paths = Enumerable.Range(0, 1000).Select(i => $"/srv/pool/{i} image's.qcow2").ToArray();
        foreach (var path in paths) machine.AddFile(path, '-', "600", "system_u:object_r:var_t:s0");
        using var host = new ModelHost(machine);
        var made = await FlowRun.OfAsync(VirtImageContexts.Flow, host, [.. paths.Select(path => Scenarios.Image(path))]);
        Assert.All(made, one => Assert.True(one.Result!.IsCompliant));
        Assert.Single(host.Mutations, mutation => mutation.Call.Tool == Tools.Semanage.ImportName);
        Assert.Single(host.Mutations, mutation => mutation.Call.Tool == "restorecon-list");
        Assert.All(paths, path => Assert.Equal(Image, Label(host, path)));
    }

    [Fact]
    public async Task WithoutItsRuleAPathHasTheLabelThatTheOthersGive()
    {
        using var host = new ModelHost(Scenarios.LabelledImages());
        var removed = Assert.Single(await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval("/images")])).Result!;
        Assert.Empty(host.Machine.LocalRules);
        Assert.Equal("system_u:object_r:default_t:s0", Label(host, "/images/one.img"));
        Assert.Equal(Running, Label(host, "/images/running.img"));
        Assert.Equal((null, false, "default_t"), (removed.SELinuxType, removed.IsCompliant, removed.ExpectedContext?.Type));
        Assert.Contains("/images/running.img", removed.InUse);
        Assert.Equal("RuleNotFound", Assert.Single(await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval("/images")])).Refusal?.Id);
    }

    [Fact]
    public async Task OnlyTheRuleThatWasNamedGoes()
    {
        var machine = Scenarios.LabelledImages();
        machine.LocalRules.Add(("/images/.*", "system_u:object_r:virt_content_t:s0"));
        machine.LocalRules.Add(("/images/one\\x2eimg", "system_u:object_r:virt_image_t:s0"));
        machine.LocalRules.Add(("/images2(/.*)?", "system_u:object_r:virt_image_t:s0"));
        using var host = new ModelHost(machine);
        await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval("/images", "/images/.*")]);
        Assert.Equal(["/images(/.*)?", "/images/one\\x2eimg", "/images2(/.*)?"], machine.LocalRules.Select(rule => rule.Pattern));
        await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval("/images")]);
        Assert.Equal(["/images/one\\x2eimg", "/images2(/.*)?"], machine.LocalRules.Select(rule => rule.Pattern));
        Assert.Equal(Image, Label(host, "/images/one.img"));
    }

    [Theory]
    [InlineData("/web(/.*)?", "httpd_sys_content_t", "/web")]
    [InlineData("/a(/.*)?", "virt_image_t", "/b")]
    [InlineData("/[ab](/.*)?", "virt_image_t", "/a")]
    public async Task ARuleThatIsNotForImagesOrNotForThatPathIsNobodysBusinessHere(string pattern, string type, string path)
    {
        var machine = new ModelMachine();
        machine.LocalRules.Add((pattern, $"system_u:object_r:{type}:s0"));
        using var host = new ModelHost(machine);
        Assert.Equal("RuleNotFound", Assert.Single(await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval(path)])).Refusal?.Id);
        Assert.Empty(host.Mutations);
    }

    [Fact]
    public async Task AResetWithoutARuleLabelsAndFindsNothingToDoTheSecondTime()
    {
        using var host = new ModelHost(Scenarios.ImageDirectory());
        Assert.Null(Assert.Single(await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval("/images", isReset: true)])).Failure);
        Assert.Equal("system_u:object_r:default_t:s0", Label(host, "/images/two.img"));
        Assert.True(Assert.Single(await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval("/images", isReset: true)])).Plan!.IsEmpty);
        Assert.Equal("PathNotFound", Assert.Single(await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval("/gone", isReset: true)])).Refusal?.Id);
        Assert.Equal("RefusedPath", Assert.Single(await FlowRun.OfAsync(ContextRemovals.Flow, host, [Scenarios.RuleRemoval("/etc", isReset: true)])).Refusal?.Id);
    }

    private static string Label(ModelHost host, string path) => host.Machine.Look(path)!.Label;
}
