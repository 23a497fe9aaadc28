using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>The message table and the code say the same ids, and the help explains each of them.</summary>
public sealed partial class MessageTests
{
    private const string Remedy = "_Remedy";

    private static readonly string[] Names =
    [
        .. XDocument.Load(Path.Combine(EngineRun.RepoRoot, "src/VirtSecurity/Resources/Messages.resx")).Descendants("data").Select(data => data.Attribute("name")!.Value),
    ];

    private static readonly string[] Ids = [.. Names.Where(name => name.EndsWith(Remedy, StringComparison.Ordinal)).Select(name => name[..^Remedy.Length])];

    private static readonly string Sources = string.Concat(
        Directory.EnumerateFiles(Path.Combine(EngineRun.RepoRoot, "src/VirtSecurity"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Select(File.ReadAllText));

    [Fact]
    public void EachIdThatIsThrownHasAMessageAndARemedy()
    {
        var thrown = Thrown().Matches(Sources).Select(match => match.Groups["id"].Value).Distinct().ToArray();
        Assert.Contains("VolumeGroupFull", thrown);
        Assert.Contains("LvmFailed", thrown);
        Assert.Contains("AuthenticationFailed", thrown);
        Assert.Empty(thrown.Except(Ids));
    }

    [Fact]
    public void EachMessageIsUsedAndEachRemedyHasItsMessage()
    {
        using var module = ModuleDefinition.ReadModule(Path.Combine(EngineRun.RepoRoot, "bin/VirtSecurity.dll"));
        var constants = module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody)
            .SelectMany(method => method.Body.Instructions).Where(instruction => instruction.OpCode == OpCodes.Ldstr)
            .Select(instruction => (string)instruction.Operand).ToHashSet();
        Assert.Empty(Names.Where(name => !name.EndsWith(Remedy, StringComparison.Ordinal)).Except(constants));
        Assert.Empty(Ids.Except(Names));
    }

    [Fact]
    public void TheTopicListsEachIdAndNoOther()
    {
        var topic = File.ReadAllText(Path.Combine(EngineRun.RepoRoot, "en-US/about_VirtSecurity.help.txt"));
        var table = topic[topic.IndexOf("\nERRORS", StringComparison.Ordinal)..topic.IndexOf("\nEXAMPLES", StringComparison.Ordinal)];
        var listed = TableRow().Matches(table).SelectMany(row => row.Groups["ids"].Value.Split(", ")).ToArray();
        Assert.Equal(Ids.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheHelpOfEachCmdletSpeaksOfIdsThatThereAre()
    {
        var help = XDocument.Load(Path.Combine(EngineRun.RepoRoot, "en-US/VirtSecurity.dll-Help.xml"));
        var named = help.Descendants().Where(element => element.Name.LocalName == "para" && element.Parent!.Name.LocalName == "alert")
            .Select(element => HelpRow().Match(element.Value)).Where(match => match.Success)
            .SelectMany(match => match.Groups["ids"].Value.Split(", ")).Distinct().ToArray();
        Assert.Empty(named.Except(Ids));
        Assert.Empty(Ids.Except(named));
    }

    // An exception, a failure of a step, an exit code's meaning, or what ssh's words mean.
    [GeneratedRegex("""(new VirtException\((\w+, )?|new RunFailure\(|new ToolFailure\(|=> new\(|\] = |return (Says\(.*\) \? )?|\? |: )"(?<id>[A-Z][a-z]+[A-Z]\w*)"(?=[,;):]| [}:])(?! =>)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Thrown();

    [GeneratedRegex(@"^ {8}(?<ids>[A-Z]\w+(, [A-Z]\w+)*) +\S.*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"^- (?<ids>[A-Z]\w+(, [A-Z]\w+)*): ", RegexOptions.ExplicitCapture)]
    private static partial Regex HelpRow();
}
