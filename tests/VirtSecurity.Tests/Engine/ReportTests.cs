using System.Management.Automation;
using System.Text.Json;
using System.Xml.Linq;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>Results of a host judged in the engine, compared and written: fresh ones, and ones that came back from a file or a job.</summary>
public sealed class ReportTests(ReportTests.Reports reports) : IClassFixture<ReportTests.Reports>
{
    public static TheoryData<string, string> Refused => new()
    {
        { "there already", "ReportExists" },
        { "no format", "ReportFormatUnknown" },
        { "no directory", "ReportNotWritten" },
        { "a directory", "ReportNotWritten" },
        { "a device", "ReportNotWritten" },
        { "a pipe", "ReportNotWritten" },
        { "another provider", "NotAFilePath" },
        { "nothing", "ReportEmpty" },
        { "two runs", "ResultTwice" },
        { "compare two runs", "ResultTwice" },
        { "no result", "ParameterArgumentTransformationError ReportEmpty" },
        { "another object", "ParameterArgumentTransformationError ReportEmpty" },
        { "a number", "InputObjectNotBound ReportEmpty" },
    };

    [Fact]
    public void WhatWasJudgedIsWrittenInEachFormatWithEachResult()
    {
        var ids = reports.Cases.Output("judged").Select(result => result.Properties["Id"].Value.ToString()!).ToArray();
        Assert.NotEmpty(ids);
        Assert.Equal(["hosts.html", "dom0.sarif", "TEST-dom0.xml", "report.txt"], reports.Cases.Output("written").Select(file => Path.GetFileName(file.Properties["FullName"].Value.ToString())));
        Assert.Equal(ids.Length, reports.Read("hosts.html").Split("<details class=\"result ").Length - 1);
        Assert.Contains("<h1>Our hosts</h1>", reports.Read("hosts.html"), StringComparison.Ordinal);
        Assert.Equal(ids, JsonDocument.Parse(reports.Read("dom0.sarif")).RootElement.GetProperty("runs")[0].GetProperty("results").EnumerateArray().Select(result => result.GetProperty("ruleId").GetString()!));
        Assert.Equal(ids, XDocument.Parse(reports.Read("TEST-dom0.xml")).Descendants("testcase").Select(test => test.Attribute("name")!.Value.Split(' ')[0]));
        Assert.StartsWith("<?xml", reports.Read("report.txt"), StringComparison.Ordinal);
        Assert.All((string[])["hosts.html", "dom0.sarif", "TEST-dom0.xml"], name => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(reports.PathOf(name))));
    }

    [Fact]
    public void WhatCameThroughSerializationIsWrittenAsItWas()
    {
        Assert.Empty(reports.Cases.Errors("serialized").Concat(reports.Cases.Errors("from a table")));
        Assert.Equal(WithoutTime(reports.Read("dom0.sarif")), WithoutTime(reports.Read("serialized.sarif")));
        Assert.Equal(WithoutTime(reports.Read("dom0.sarif")), WithoutTime(reports.Read("table.sarif")));
        static string WithoutTime(string sarif) => string.Join('\n', sarif.Split('\n').Where(line => !line.Contains("\"written\":", StringComparison.Ordinal)));
    }

    [Fact]
    public void TwoRunsAreComparedFreshOrSerialized()
    {
        Assert.DoesNotContain(reports.Cases.Output("the same"), change => Text(change, "Change") != "StillThere");
        Assert.Equal(reports.Cases.Output("judged").Count, reports.Cases.Output("the same, all").Count);
        var changes = reports.Cases.Output("permissive").ToDictionary(change => change.Properties["Id"].Value.ToString()!, change => change);
        Assert.Equal(("New", "Pass", "Fail", "kvm1"), (Text(changes["SEL-01"], "Change"), Text(changes["SEL-01"], "Before"), Text(changes["SEL-01"], "After"), Text(changes["SEL-01"], "VirtHost")));
        Assert.Equal("Fixed", Text(reports.Cases.Output("enforcing again").Single(change => Text(change, "Id") == "SEL-01"), "Change"));
        Assert.Equal("Gone", Text(Assert.Single(reports.Cases.Output("gone")), "Change"));
        Assert.Empty(reports.Cases.Output("gone")[0].Properties["ActualAfter"].Value.ToString()!);
    }

    [Fact]
    public void AFileThatIsThereIsReplacedWithForceOnlyAndKeepsItsModeAndWhatALinkLeadsToIsWritten()
    {
        Assert.Empty(reports.Cases.Errors("replaced"));
        Assert.StartsWith("<!DOCTYPE html>", reports.Read("old.html"), StringComparison.Ordinal);
        Assert.Equal((UnixFileMode)0x1A4, File.GetUnixFileMode(reports.PathOf("old.html")));
        Assert.Equal("kept", reports.Read("kept.html"));
        Assert.NotNull(new FileInfo(reports.PathOf("link.html")).LinkTarget);
        Assert.StartsWith("<!DOCTYPE html>", reports.Read("linked.html"), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIfWritesNothingAndNothingIsLeftBeside()
    {
        Assert.Empty(reports.Cases.Output("what if"));
        Assert.False(File.Exists(reports.PathOf("whatif.html")));
        Assert.Contains(reports.Cases.Run.Console, line => line.Contains("Write hardening report (Html)", StringComparison.Ordinal) && line.Contains("whatif.html", StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.GetFiles(reports.Hosts.Home), file => file.EndsWith(".report", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void WhatCannotBeWrittenOrComparedIsAnErrorThatSaysWhatToDo(string name, string id)
    {
        var errors = reports.Cases.Errors(name);
        Assert.Equal(id.Split(' '), errors.Select(error => error.Id));
        Assert.NotEmpty(errors[^1].Action);
    }

    [Fact]
    public void WhatIsWrongWithTheFileIsSaidBeforeAnybodyIsAsked() => Assert.Empty(reports.Cases.Output("was asked"));

    [Fact]
    public void AComparisonFitsEightyColumns()
    {
        var table = reports.Table.Split('\n');
        Assert.All(table, line => Assert.True(line.Length <= 80, line));
        Assert.Contains(table, line => line.StartsWith("SEL-01 High     New        Pass          Fail", StringComparison.Ordinal));
    }

    private static string Text(PSObject record, string name) => record.Properties[name].Value?.ToString() ?? "";

    /// <summary>All of it, run once.</summary>
    public sealed class Reports : IDisposable
    {
        private const string Serialized = "[System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($script:first))";

        public Reports()
        {
            Hosts.Add("kvm1");
            var lax = Hosts.Add("lax");
            lax.Write("sys/fs/selinux/enforce", "0");
            File.WriteAllText(PathOf("kept.html"), "kept");
            File.WriteAllText(PathOf("old.html"), "old");
            File.SetUnixFileMode(PathOf("old.html"), (UnixFileMode)0x1A4);
            File.CreateSymbolicLink(PathOf("link.html"), PathOf("linked.html"));
            const string go = "$null = $ExecutionContext.SessionState.Path.SetLocation($env:HOME)\n";
            const string laxly = "$lax = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize((Test-Dom0Hardening -VirtHost lax))); foreach ($one in $lax) { $one.VirtHost = 'kvm1' }\n";
            Cases = new Cases(Hosts,
            [
                ("judged", go + "$script:first = Test-Dom0Hardening -VirtHost kvm1; $script:first"),
                ("written", "$script:first | Export-Dom0HardeningReport hosts.html -Title 'Our hosts'; $script:first | Export-Dom0HardeningReport dom0.sarif; Test-Dom0Hardening -VirtHost kvm1 | Export-Dom0HardeningReport ./TEST-dom0.xml; $script:first | Export-Dom0HardeningReport report.txt JUnit"),
                ("serialized", Serialized + " | Export-Dom0HardeningReport serialized.sarif"),
                ("the same", "Test-Dom0Hardening -VirtHost kvm1 | Compare-Dom0Hardening $script:first"),
                ("the same, all", "Compare-Dom0Hardening -ReferenceObject (" + Serialized + ") -DifferenceObject $script:first -IncludeEqual"),
                ("permissive", laxly + "$lax | Compare-Dom0Hardening $script:first"),
                ("enforcing again", laxly + "$script:first | Compare-Dom0Hardening $lax"),
                ("gone", "Compare-Dom0Hardening ($script:first | Where-Object Id -eq SEL-01) @()"),
                ("there already", "$script:first | Export-Dom0HardeningReport kept.html"),
                ("replaced", "$script:first | Export-Dom0HardeningReport old.html -Force | Out-Null; $script:first | Export-Dom0HardeningReport link.html | Out-Null"),
                ("no format", "$script:first | Export-Dom0HardeningReport report"),
                ("no directory", "$script:first | Export-Dom0HardeningReport nowhere/report.html"),
                ("a directory", "[void][System.IO.Directory]::CreateDirectory(\"$env:HOME/place.html\"); $script:first | Export-Dom0HardeningReport place.html -Force"),
                ("a device", "$script:first | Export-Dom0HardeningReport /dev/null Html -Force"),
                ("a pipe", "& mkfifo \"$env:HOME/pipe.html\"; $script:first | Export-Dom0HardeningReport pipe.html -Force"),
                ("another provider", "$script:first | Export-Dom0HardeningReport env:report.html"),
                ("nothing", "@() | Export-Dom0HardeningReport nothing.html"),
                ("two runs", "$script:first + $script:first | Export-Dom0HardeningReport two.html"),
                ("compare two runs", "$script:first + $script:first | Compare-Dom0Hardening $script:first"),
                ("no result", "$bad = (" + Serialized + ")[0]; $bad.Status = 'Perhaps'; $bad | Export-Dom0HardeningReport bad.html"),
                ("another object", "[pscustomobject]@{ Id = 'SEL-01' } | Export-Dom0HardeningReport bad.html"),
                ("a number", "5 | Export-Dom0HardeningReport bad.html"),
                ("from a table", "$script:first | ForEach-Object { $row = [pscustomobject]@{}; foreach ($p in $_.PSObject.Properties) { $row.PSObject.Properties.Add([psnoteproperty]::new($p.Name, \"$($p.Value)\")) }; $row } | Export-Dom0HardeningReport table.sarif"),
                ("what if", "$script:first | Export-Dom0HardeningReport whatif.html -WhatIf"),
                ("was asked", "try { & { $script:asked = $true; $script:first } | Export-Dom0HardeningReport kept.html } catch { } if ($script:asked) { 'asked' }"),
            ]);
            Table = Hosts.Rendering("$PSStyle.OutputRendering = 'PlainText'\n$first = Test-Dom0Hardening -VirtHost kvm1\n" + laxly + "$lax | Compare-Dom0Hardening $first | Out-Host");
        }

        public ScriptedHosts Hosts { get; } = new();
        public Cases Cases { get; }
        public string Table { get; }

        public string PathOf(string name) => Path.Combine(Hosts.Home, name);

        public string Read(string name) => File.ReadAllText(PathOf(name));

        public void Dispose() => Hosts.Dispose();
    }
}
