using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.SELinux;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>What is wrong with rules, and which of them may be mended without asking what was meant.</summary>
public sealed class ContextRulesTests
{
    private static readonly RulePlace There = new(true, true, true);
    private static readonly RulePlace Gone = new(false, false, false);

    private static readonly FileContextRule[] Policy =
    [
        Line("/.*", "default_t", RuleSource.Policy), Line("/var/lib/libvirt/images(/.*)?", "virt_image_t", RuleSource.Policy), Line("/var/lib/libvirt/isos(/.*)?", "virt_content_t", RuleSource.Policy),
        Line("/usr/.*", "usr_t", RuleSource.Policy),
    ];

    [Theory]
    [InlineData("/virtstorage(/.*)?", "virt_image_t", true, "", "None")]
    [InlineData(@"/virt\x2dstorage(/.*)?", "virt_image_t", true, "", "None")]
    [InlineData("/virtstorage/a", "virt_content_t", true, "", "None")]
    [InlineData("/my.images(/.*)?", "virt_image_t", true, "OverMatches", "Set")]
    [InlineData(@"/my\.images(/.*)?", "virt_image_t", true, "", "None")]
    [InlineData("/c+(/.*)?", "virt_image_t", true, "OverMatches", "Set")]
    [InlineData("/gone(/.*)?", "virt_image_t", false, "Dead", "Remove")]
    [InlineData("/gone.d(/.*)?", "virt_image_t", false, "OverMatches Dead", "Remove")]
    [InlineData("/vm[0-9]+(/.*)?", "virt_image_t", false, "Dead", "None")]
    [InlineData("/home/ann/images(/.*)?", "virt_image_t", true, "SystemTree", "Remove")]
    [InlineData("/usr(/.*)?", "virt_image_t", true, "SystemTree", "Remove")]
    [InlineData("/var/lib/libvirt/images/web(/.*)?", "virt_content_t", true, "", "None")]
    [InlineData("/vmstore(/.*)?", "virt_image_t", true, "UnderEquivalence", "Set")]
    [InlineData("/web(/.*)?", "httpd_sys_content_t", true, "", "None")]
    [InlineData("/web.d(/.*)?", "httpd_sys_content_t", true, "OverMatches", "None")]
    [InlineData("/gone(/.*)?", "httpd_sys_content_t", false, "Dead", "None")]
    public void ARuleAloneIsJudged(string pattern, string type, bool isThere, string problems, string remedy)
    {
        // What a pattern with operators is for exists only under its very text.
        var place = !isThere ? Gone : PathPattern.PathOf(pattern) is null ? new RulePlace(false, true, true) : There;
        var rule = Of([Line(pattern, type)], new() { [pattern] = place }).Single(rule => rule.Source == RuleSource.Local);
        Assert.Equal((problems, remedy), (string.Join(' ', rule.Problem.Select(problem => problem.Id)), rule.Remedy.ToString()));
        Assert.All(rule.Problem, problem => Assert.True(problem.Message.Length > 20));
        Assert.All(rule.Problem, problem => Assert.Equal(problem.Message, problem.ToString()));
    }

    [Fact]
    public void ARuleThatNeverDecidesIsShadowedOrADuplicate()
    {
        var rules = Of(
            [Line("/s/deep(/.*)?", "virt_image_t"), Line("/s(/.*)?", "virt_content_t"), Line("/t(/.*)?", "virt_image_t"), Line("/t/deep(/.*)?", "virt_content_t"), Line(@"/d\.e(/.*)?", "virt_image_t"), Line(@"/d\x2ee(/.*)?", "virt_image_t")],
            new() { ["/s/deep(/.*)?"] = There, ["/s(/.*)?"] = There, ["/t(/.*)?"] = There, ["/t/deep(/.*)?"] = There, [@"/d\.e(/.*)?"] = There, [@"/d\x2ee(/.*)?"] = There });
        Assert.Equal(
            ["/s/deep(/.*)?: Shadowed Remove", @"/d\.e(/.*)?: Duplicate Remove"],
            rules.Where(rule => rule.Problem.Count > 0).Select(rule => $"{rule.Pattern}: {Assert.Single(rule.Problem).Id} {rule.Remedy}"));
        Assert.Contains("/s(/.*)?", rules.Single(rule => rule.Pattern == "/s/deep(/.*)?").Problem[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APolicysRuleThatTheAdministratorsHideIsShadowedAndNobodysToMend()
    {
        var isos = Of([Line("/var/lib/libvirt/isos(/.*)?", "virt_image_t")], new() { ["/var/lib/libvirt/isos(/.*)?"] = There }).Where(rule => rule.Path == "/var/lib/libvirt/isos").ToArray();
        Assert.Equal([(RuleSource.Policy, "Shadowed", ContextRuleRemedy.None), (RuleSource.Local, "SystemTree", ContextRuleRemedy.Remove)], isos.Select(rule => (rule.Source, Assert.Single(rule.Problem).Id, rule.Remedy)));
    }

    [Fact]
    public void TheManualsSlipIsNamedWithBothPathsAndLeftToBeDecided()
    {
        var mounted = new MountFact("253:0", "/virtstorage", ["rw"], "ext4", "/dev/mapper/vg-a") { SuperOptions = ["rw", "seclabel"] };
        var rule = Of([Line("/virtualization(/.*)?", "virt_image_t")], new() { ["/virtualization(/.*)?"] = Gone }, mounted).Single(rule => rule.Source == RuleSource.Local);
        Assert.Equal(("OtherPath", ContextRuleRemedy.None), (Assert.Single(rule.Problem).Id, rule.Remedy));
        Assert.Contains("/virtualization", rule.Problem[0].Message, StringComparison.Ordinal);
        Assert.Contains("/virtstorage", rule.Problem[0].Message, StringComparison.Ordinal);

        // A volume whose own rule is right was not meant.
        var both = Of([Line("/virtualization(/.*)?", "virt_image_t"), Line("/virtstorage(/.*)?", "virt_image_t")], new() { ["/virtualization(/.*)?"] = Gone, ["/virtstorage(/.*)?"] = There }, mounted);
        Assert.Equal("Dead", Assert.Single(both.Single(one => one.Path == "/virtualization").Problem).Id);
    }

    [Fact]
    public void OfThePolicysRulesOnlyThoseForImagesAreListed() =>
        Assert.Equal(["/var/lib/libvirt/images", "/var/lib/libvirt/isos"], Of([], []).Select(rule => rule.Path));

    [Fact]
    public async Task TheHostLooksAtWhatEachPatternStandsFor()
    {
        using var files = new TemporaryDirectory();
        Directory.CreateDirectory(files.Of("selinux/default/contexts/files"));
        File.WriteAllText(files.Of("selinux/config"), "SELINUXTYPE=default\n");
        foreach (var name in (string[])["plain", "a b", "c++", "dot.ted", "pre1", "ü"]) Directory.CreateDirectory(files.Of(name));
        (string Pattern, RulePlace Place)[] rules =
        [
            (PathPattern.ForTree(files.Of("plain")), new(true, true, true)), (PathPattern.ForTree(files.Of("a b")), new(true, false, true)), (PathPattern.ForTree(files.Of("ü")), new(true, false, true)),
            (files.Of("plain") + "(/.*)?", There), (files.Of("c++") + "(/.*)?", There), (files.Of("dot.ted") + "/.*", There), (files.Of(@"dot\.ted"), new(true, false, true)),
            (files.Of("gone") + "(/.*)?", Gone), (files.Of("pre[0-9]+"), new(false, false, true)), (files.Of("nil[0-9]+"), Gone), (files.Of("plaix?n"), new(false, false, true)),
        ];
        File.WriteAllText(files.Of("selinux/default/contexts/files/file_contexts.local"), string.Concat(rules.Select(rule => $"{rule.Pattern}    system_u:object_r:virt_image_t:s0\n")));
        var call = RulePlaces.Look() with { Argv = [.. RulePlaces.Look().Argv.Select(word => word.Replace("/etc/selinux", files.Of("selinux"), StringComparison.Ordinal))] };

        var places = RulePlaces.Read(Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [call])));

        Assert.Equal(rules.Select(rule => rule.Pattern).Order(StringComparer.Ordinal), places.Keys.Order(StringComparer.Ordinal));
        Assert.All(rules, rule => Assert.Equal((rule.Pattern, rule.Place.IsThere, rule.Place.HasAny), (rule.Pattern, places[rule.Pattern].IsThere, places[rule.Pattern].HasAny)));
        Assert.True(places[files.Of("c++") + "(/.*)?"].IsThereAsWritten);
    }

    private static IReadOnlyList<VirtImageContextRule> Of(FileContextRule[] local, Dictionary<string, RulePlace> places, params MountFact[] mounts)
    {
        var contexts = new FileContexts([.. Policy, .. local], [[new("/vmstore", "/var/lib/libvirt/images")]]);
        var probe = new HostProbeFact(true, true, "Debian", false, true, [], [], null);
        return ContextRules.Of(new(new HostFacts(new VirtHost("kvm1"), probe, new SELinuxFact(SELinuxMode.Enforcing, "default", contexts), ImageTypes.All.ToHashSet()), places, new Dictionary<string, PathFact>(), mounts));
    }

    private static FileContextRule Line(string pattern, string type, RuleSource source = RuleSource.Local) =>
        new(pattern, null, new SecurityContext("system_u", "object_r", type, "s0"), source, $"{pattern}    system_u:object_r:{type}:s0");
}
