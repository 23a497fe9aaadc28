using System.Management.Automation;
using System.Management.Automation.Language;
using VirtSecurity.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>One can work from Get-Help alone: it is complete, it is true, and its examples run.</summary>
public sealed class HelpTests(HelpTests.Help help) : IClassFixture<HelpTests.Help>
{
    public static TheoryData<string> Cmdlets => [.. ManifestTests.Cmdlets];

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void ACmdletIsExplained(string name)
    {
        Assert.True(help.Text(name, "Synopsis").Length > 40);
        Assert.True(help.Text(name, "Description").Length > 300);
        Assert.True(help.Text(name, "Notes").Length > 300);
        Assert.Equal(help.Lines(name, "OutputTypes"), help.Text(name, "Outputs").Split(' '));
        Assert.NotEmpty(help.Text(name, "Inputs"));
        Assert.Contains("about_VirtSecurity", help.Text(name, "Links"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void EveryParameterIsDescribedAsItIs(string name)
    {
        Assert.Equal(help.Lines(name, "Real"), help.Lines(name, "Documented"));
        Assert.All(help.Lines(name, "Descriptions"), description => Assert.True(description.Length > 30, description));
        Assert.All(help.Lines(name, "Defaults"), value => Assert.NotEmpty(value));
    }

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void EveryPropertyOfTheOutputIsExplained(string name) =>
        Assert.All(help.Lines(name, "Properties"), property => Assert.Contains(property, help.Text(name, "OutputText"), StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void ThereAreExamplesAndOneIsAPipeline(string name)
    {
        var examples = help.Examples.Where(example => example.Cmdlet == name).ToArray();
        Assert.True(examples.Length >= 2);
        Assert.Contains(examples, example => example.Code.Contains('|', StringComparison.Ordinal) && example.Code.Contains(name, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryExampleRunsAsItIsWritten()
    {
        using var worlds = new ExampleWorlds(help.Examples);
        Assert.All(help.Examples, example => Assert.Empty(worlds.Cases.Errors(example.Name)));
        Assert.All(help.Examples.Where(example => example.Code.Contains("-WhatIf", StringComparison.Ordinal)), example => Assert.Empty(worlds.Changes(example)));
        Assert.All(
            help.Examples.Where(example => example.Cmdlet == "New-SecureGuestVolume" && !example.Code.Contains("-WhatIf", StringComparison.Ordinal)),
            example => Assert.Contains(worlds.Changes(example), change => change.StartsWith("lvcreate ", StringComparison.Ordinal)));
    }

    [Fact]
    public void TheTopicsAreFoundAndFitAConsole()
    {
        Assert.Equal(["about_VirtSecurity", "about_VirtSecurity_Hosts", "about_VirtSecurity_Plan"], help.Run.Output.Where(record => record.Properties["Topic"] is not null).Select(record => (string)record.Properties["Topic"].Value).Order());
        Assert.All(
            Directory.GetFiles(Path.Combine(EngineRun.RepoRoot, "en-US"), "*.txt").SelectMany(File.ReadAllLines),
            line => Assert.True(line.Length <= 80, line));
    }

    [Fact]
    public void EveryFormOfAHostInTheTopicIsOne()
    {
        var forms = File.ReadLines(Path.Combine(EngineRun.RepoRoot, "en-US/about_VirtSecurity_Hosts.help.txt"))
            .SkipWhile(line => !line.StartsWith("        localhost", StringComparison.Ordinal)).TakeWhile(line => line.Length > 0)
            .Select(line => line.Trim().Split(' ')[0]).ToArray();
        Assert.Equal(10, forms.Length);
        Assert.All(forms, form => Assert.Equal(new VirtHost(form), new VirtHost(new VirtHost(form).ToString())));
    }

    /// <summary>The example of a cmdlet's help.</summary>
    public sealed record Example(string Cmdlet, int Number, string Code)
    {
        public string Name => $"{Cmdlet} {Number}";
    }

    /// <summary>All help, read once, as text.</summary>
    public sealed class Help
    {
        private const string Script = """
            $common = [System.Management.Automation.PSCmdlet]::CommonParameters
            function Flat($Text) { ($Text | ForEach-Object { $_.Text }) -join ' ' }
            foreach ($command in Get-Command -Module VirtSecurity) {
                $help = Get-Help $command.Name -Full
                $real = foreach ($parameter in $command.Parameters.Values) {
                    if ($common -contains $parameter.Name) { continue }
                    $attributes = @($parameter.Attributes | Where-Object { $_ -is [System.Management.Automation.ParameterAttribute] })
                    $by = @()
                    if ($attributes.ValueFromPipeline -contains $true) { $by += 'ByValue' }
                    if ($attributes.ValueFromPipelineByPropertyName -contains $true) { $by += 'ByPropertyName' }
                    $position = if ($attributes[0].Position -lt 0) { 'named' } else { $attributes[0].Position }
                    $wild = @($parameter.Attributes | Where-Object { $_ -is [System.Management.Automation.SupportsWildcardsAttribute] }).Count -gt 0
                    $aliases = if ($parameter.Aliases.Count) { $parameter.Aliases -join ', ' } else { 'none' }
                    $pipeline = if ($by) { "True ($($by -join ', '))" } else { 'False' }
                    "$($parameter.Name)|$($attributes[0].Mandatory)|$position|$pipeline|$aliases|$wild"
                }
                [pscustomobject]@{
                    Command      = $command.Name
                    Synopsis     = $help.Synopsis
                    Description  = Flat $help.description
                    Notes        = ($help.alertSet.alert | ForEach-Object { Flat $_ }) -join ' '
                    Inputs       = ($help.inputTypes.inputType | ForEach-Object { $_.type.name }) -join ' '
                    Outputs      = ($help.returnValues.returnValue | ForEach-Object { $_.type.name }) -join ' '
                    OutputText   = ($help.returnValues.returnValue | ForEach-Object { Flat $_.description }) -join ' '
                    Links        = ($help.relatedLinks.navigationLink | ForEach-Object { $_.linkText }) -join ' '
                    Real         = @($real)
                    Documented   = @($help.parameters.parameter | ForEach-Object { "$($_.name)|$($_.required)|$($_.position)|$($_.pipelineInput)|$($_.aliases)|$($_.globbing)" })
                    Descriptions = @($help.parameters.parameter | ForEach-Object { Flat $_.description })
                    Defaults     = @($help.parameters.parameter | ForEach-Object { "$($_.defaultValue)" })
                    OutputTypes  = @($command.OutputType.Type | ForEach-Object { $_.FullName })
                    # What .NET's own types have, its documentation explains.
                    Properties   = @($command.OutputType.Type | Where-Object { $_.Namespace -like 'VirtSecurity*' } | ForEach-Object { $_.GetProperties() } | ForEach-Object { $_.Name })
                }
                $number = 0
                foreach ($example in $help.examples.example) { [pscustomobject]@{ Of = $command.Name; Number = ++$number; Code = $example.code } }
            }
            Get-Help about_VirtSecurity* | ForEach-Object { [pscustomobject]@{ Topic = $_.Name } }
            """;

        public Help()
        {
            Run = EngineRun.Of(Script);
            Assert.Empty(Run.Errors.Select(error => error.Properties["Message"].Value));
            Examples = [.. Run.Output.Where(record => record.Properties["Of"] is not null).Select(record =>
                new Example((string)record.Properties["Of"].Value, (int)record.Properties["Number"].Value, (string)record.Properties["Code"].Value))];
        }

        public EngineRun Run { get; }
        public IReadOnlyList<Example> Examples { get; }

        public string Text(string cmdlet, string property) => (string)Record(cmdlet).Properties[property].Value;

        /// <summary>In the order of their names, as XML and parser know no case of true and false in common.</summary>
        public IReadOnlyList<string> Lines(string cmdlet, string property) =>
            [.. LanguagePrimitives.ConvertTo<string[]>(Record(cmdlet).Properties[property].Value).Select(line => line.Replace("|true", "|True", StringComparison.Ordinal).Replace("|false", "|False", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

        private PSObject Record(string cmdlet) => Run.Output.First(record => (string?)record.Properties["Command"]?.Value == cmdlet);
    }

    /// <summary>Each example on hosts of its own; what is left to this machine goes to kvm1.</summary>
    private sealed class ExampleWorlds : IDisposable
    {
        private static readonly string[] OfHosts = [.. ManifestTests.Cmdlets.Except(["Compare-Dom0Hardening", "Export-Dom0HardeningReport", "Export-VirtDeploymentPlan", "Get-Dom0HardeningRule", "Import-VirtDeploymentPlan"])];

        private readonly Dictionary<Example, (ScriptedHosts Hosts, ScriptedHost[] Each)> worlds;

        public ExampleWorlds(IReadOnlyList<Example> examples)
        {
            worlds = examples.ToDictionary(example => example, _ => World());
            const string table = """
                function Import-Csv { [pscustomobject]@{ VolumeGroup = 'vg0'; Name = 'web'; Size = '20GB'; MountPoint = '/virtstorage/web'; FileSystem = 'Xfs'; SELinuxType = '' }, [pscustomobject]@{ VolumeGroup = 'vg0'; Name = 'mail'; Size = '1.5 TB'; MountPoint = '/virtstorage/mail'; FileSystem = ''; SELinuxType = '' } }
                """;
            Cases = new Cases(worlds.Values.First().Hosts, examples.Select(example => (example.Name, $"""
                $env:PATH = '{worlds[example].Hosts.Environment["PATH"]}'; $env:XDG_RUNTIME_DIR = '{worlds[example].Hosts.Environment["XDG_RUNTIME_DIR"]}'
                $ExecutionContext.SessionState.Path.SetLocation('{worlds[example].Hosts.Home}')
                {table}
                {OnScriptedHosts(example.Code)}
                """)));
        }

        public Cases Cases { get; }

        public IEnumerable<string> Changes(Example example) => worlds[example].Each.SelectMany(host => host.Changes);

        public void Dispose()
        {
            foreach (var (hosts, _) in worlds.Values) hosts.Dispose();
        }

        private static (ScriptedHosts, ScriptedHost[]) World()
        {
            var hosts = new ScriptedHosts();
            File.WriteAllText(Path.Combine(hosts.Home, "plan.psd1"), "@{ Hypervisor = 'Kvm'; Guests = @{ Name = 'web' } }");
            ScriptedHost Kvm(string name) => hosts.Add(name).Group("volumegroup", 1L << 40).Group("vg0", 2L << 40).Partition("sdb1")
                .Write("var/lib/libvirt/images/a.qcow2", "").Write("home/ann/web.qcow2", "x").Write("srv/old/db.img", "x").Write("srv/iso/a.iso", "").Write("srv/guests/iso/b.iso", "")
                .Write("etc/selinux/default/contexts/files/file_contexts.local", "/srv/old(/.*)?    system_u:object_r:virt_image_t:s0\n/virtual.store(/.*)?    system_u:object_r:virt_image_t:s0\n").MakeDirectory("/virtual.store", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)
                .CutOff("20261122T101500Z-0a1b2c3d", "vg0/cut")
                .MakeDirectory("/virtstorage", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            return (hosts, [Kvm("kvm1"), Kvm("kvm2"), Kvm("xen1").AsXen()]);
        }

        /// <summary>The code with a host for each call that begins a pipeline without one.</summary>
        private static string OnScriptedHosts(string code)
        {
            var ast = Parser.ParseInput(code, out _, out var errors);
            Assert.Empty(errors);
            var calls = ast.FindAll(node => node is CommandAst command && OfHosts.Contains(command.GetCommandName()), true).Cast<CommandAst>()
                .Where(command => command.Parent is PipelineAst pipeline && (pipeline.PipelineElements[0] == command || !OfHosts.Contains((pipeline.PipelineElements[0] as CommandAst)?.GetCommandName())))
                .Where(command => command.GetCommandName() == "Connect-VirtHost" ? command.CommandElements.Count == 1 : !command.Extent.Text.Contains("-VirtHost", StringComparison.Ordinal));
            foreach (var call in calls.OrderByDescending(call => call.Extent.EndOffset)) code = code.Insert(call.Extent.EndOffset, " -VirtHost kvm1");
            return code;
        }
    }
}
