using System.Text;
using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Tests.Domain.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Domain.Planning;

/// <summary>What is written is read back as the same plan, whatever its names and sentences are.</summary>
public sealed class PlanWriterTests
{
    [Theory]
    [InlineData("a.psd1")]
    [InlineData("a.json")]
    public void AFullPlanComesBackAndIsWrittenTheSameAgain(string file)
    {
        var plan = Plans.Valid("full.psd1", Plans.FullPsd1);
        var bytes = PlanWriter.Write(file, plan);
        var back = PlanReading.Of(file, bytes, null);
        Assert.Empty(back.Problems.Select(problem => problem.Message));
        Assert.Equal(Plans.Said(plan), Plans.Said(back.Plan!));
        Assert.Equal(bytes, PlanWriter.Write(file, back.Plan!));
    }

    [Fact]
    public void ADataFileIsReadableAndSaysWhatGoesWhere()
    {
        var text = Encoding.UTF8.GetString(PlanWriter.Write("a.psd1", Plans.Valid("full.psd1", Plans.FullPsd1)));
        Assert.Contains("    Hypervisor = 'Kvm'\n", text, StringComparison.Ordinal);
        Assert.Contains("        @{ Name = 'sshd.service'; Purpose = 'log-in of administrators' }\n", text, StringComparison.Ordinal);
        Assert.Contains("        @{ Port = 22; Protocol = 'tcp'; Service = 'sshd'; From = @('192.0.2.0/24', '2001:db8::/32') }\n", text, StringComparison.Ordinal);
        Assert.Contains("    Administrators = @('bob', 'EXAMPLE\\carol')\n", text, StringComparison.Ordinal);
        Assert.Contains("            Name = 'it''s web'\n", text, StringComparison.Ordinal);
        Assert.Equal(10, text.Split('\n').Count(line => line.StartsWith("    # ", StringComparison.Ordinal)));
        Assert.DoesNotContain("Purpose = ''", text, StringComparison.Ordinal);
    }

    /// <summary>An example that stands in a comment is one that works.</summary>
    [Fact]
    public void EachExampleInTheCommentsIsValidWhereItStands()
    {
        var text = Encoding.UTF8.GetString(PlanWriter.Write("a.psd1", new DeploymentPlan { Hypervisor = Hypervisor.Kvm }));
        var lines = text.Split('\n');
        var examples = 0;
        for (var i = 0; i + 1 < lines.Length; i++)
        {
            var begin = lines[i].IndexOf("@{ ", StringComparison.Ordinal);
            if (!lines[i].StartsWith("    # ", StringComparison.Ordinal) || begin < 0) continue;
            examples++;
            var example = lines[i][begin..];
            lines[i + 1] = $"{lines[i + 1].Split('=')[0]}= @({example})";
        }

        Assert.Equal(6, examples);
        Plans.Valid("a.psd1", string.Join('\n', lines));
    }

    [Theory]
    [InlineData("a.psd1")]
    [InlineData("a.json")]
    public void HostileTextsComeBackAsTheyWere(string file)
    {
        var random = new RandomText(file.Length);
        string[] nasty = ["'", "''", "\u2018\u2019\u201a\u201b", "\u201c\u201d\u201e", "$(id)", "`", "\"", "\\", "@{", "}", "#", "<#", "#>", "; }", "\u202e", "\u2028", "\ufeff", "\ufffd", "\U0001F512", "漢字", "</script>", " ", "x"];
        var kept = 0;
        for (var i = 0; i < 400; i++)
        {
            var text = string.Concat(Enumerable.Range(0, 1 + random.Below(6)).Select(_ => nasty[random.Below(nasty.Length)])) + random.Text(2);
            if (PlanRules.Text(text) is not null || PlanRules.Name(text) is not null) continue;
            kept++;
            var plan = new DeploymentPlan
            {
                Services = [new PlannedService("a.service", text)],
                Networks = [new PlannedNetwork(text, NetworkRole.Guest)],
                Guests = [new PlannedGuest(text) { Services = [new PlannedService(text, text)], Networks = [text] }],
                Waivers = [new Waiver("FWL-01", text, text, new DateOnly(2030, 1, 1))],
            };
            var back = PlanReading.Of(file, PlanWriter.Write(file, plan), null);
            Assert.Empty(back.Problems.Select(problem => problem.Message));
            Assert.Equal(text, Assert.Single(back.Plan!.Guests).Name);
            Assert.Equal((text, text), (Assert.Single(back.Plan.Waivers).Reason, Assert.Single(back.Plan.Services).Purpose));
        }

        Assert.True(kept > 100, $"{kept} texts were kept");
    }

    [Fact]
    public void AFileIsOnlyItsOwnersAndNeverReplacedUnasked()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.Of("plan.psd1");
        PlanFile.Write(path, "one"u8.ToArray(), false);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        var problem = Assert.Throws<Resources.VirtException>(() => PlanFile.Write(path, "two"u8.ToArray(), false));
        Assert.Equal(("PlanExists", "one"), (problem.Id, File.ReadAllText(path)));

        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        PlanFile.Write(path, "two"u8.ToArray(), true);
        Assert.Equal(("two", UnixFileMode.UserRead | UnixFileMode.UserWrite), (File.ReadAllText(path), File.GetUnixFileMode(path)));

        // A link is replaced, and what it leads to stays.
        var link = directory.Of("link.psd1");
        File.CreateSymbolicLink(link, path);
        PlanFile.Write(link, "three"u8.ToArray(), true);
        Assert.Equal(("two", "three"), (File.ReadAllText(path), File.ReadAllText(link)));

        Directory.CreateDirectory(directory.Of("dir.psd1"));
        Assert.Equal("PlanNotWritten", Assert.Throws<Resources.VirtException>(() => PlanFile.Write(directory.Of("dir.psd1"), [], true)).Id);
        Assert.Equal("PlanNotWritten", Assert.Throws<Resources.VirtException>(() => PlanFile.Write(directory.Of("gone/a.psd1"), [], false)).Id);
        Assert.Equal(["dir.psd1", "link.psd1", "plan.psd1"], Directory.GetFileSystemEntries(directory.Of("")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AFileThatIsNotThereOrNotOneIsSaidToBe()
    {
        using var directory = new TemporaryDirectory();
        Assert.Equal("PlanNotFound", Assert.Single(PlanFile.Read(directory.Of("a.psd1"), null).Problems).Id);
        Assert.Equal("PlanNotFound", Assert.Single(PlanFile.Read(directory.Of("none/a.psd1"), null).Problems).Id);
        Directory.CreateDirectory(directory.Of("b.psd1"));
        Assert.Equal("PlanUnreadable", Assert.Single(PlanFile.Read(directory.Of("b.psd1"), null).Problems).Id);
        File.WriteAllText(directory.Of("c.json"), Plans.FullJson);
        Assert.NotNull(PlanFile.Read(directory.Of("c.json"), null).Plan);
    }
}
