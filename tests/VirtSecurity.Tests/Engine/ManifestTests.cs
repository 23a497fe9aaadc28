using System.Collections;
using System.Management.Automation.Language;
using Mono.Cecil;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>The module as shipped: its manifest, its files, and the scripts beside it.</summary>
public sealed class ManifestTests
{
    internal static readonly string[] Cmdlets = ["Compare-Dom0Hardening", "Connect-VirtHost", "Export-Dom0HardeningReport", "Export-VirtDeploymentPlan", "Get-Dom0Fact", "Get-Dom0HardeningRule", "Get-SecureGuestVolume", "Get-VirtChange", "Get-VirtImage", "Get-VirtImageContext", "Get-VirtImageContextRule", "Import-VirtDeploymentPlan", "Move-VirtImage", "New-SecureGuestVolume", "New-VirtDeploymentPlan", "Remove-SecureGuestVolume", "Remove-VirtImageContext", "Repair-SecureGuestVolume", "Resize-SecureGuestVolume", "Resume-VirtChange", "Set-VirtImageContext", "Test-Dom0Hardening", "Test-VirtDeploymentPlan", "Test-VirtImageContext", "Undo-VirtChange"];

    private static readonly Hashtable Manifest = (Hashtable)((HashtableAst)Parse("VirtSecurity.psd1").Find(node => node is HashtableAst, false)!).SafeGetValue();

    public static TheoryData<string> Scripts => ["VirtSecurity.psd1", "build.ps1", "tests/Pester/VirtSecurity.Tests.ps1"];

    [Fact]
    public void TheManifestTheDllAndTheSessionAgreeOnTheCmdlets()
    {
        using var module = ModuleDefinition.ReadModule(Path.Combine(EngineRun.RepoRoot, "bin/VirtSecurity.dll"));
        var classes = module.Types
            .Select(type => (type.Name, Attribute: type.CustomAttributes.FirstOrDefault(attribute => attribute.AttributeType.Name == "CmdletAttribute")))
            .Where(type => type.Attribute is not null)
            .Select(type => (type.Name, Cmdlet: $"{type.Attribute!.ConstructorArguments[0].Value}-{type.Attribute.ConstructorArguments[1].Value}"))
            .ToArray();
        Assert.Equal(Cmdlets, classes.Select(type => type.Cmdlet).Order());
        Assert.All(classes, type => Assert.Equal(type.Cmdlet.Replace("-", "", StringComparison.Ordinal) + "Command", type.Name));
        Assert.Equal(Cmdlets, ((object[])Manifest["CmdletsToExport"]!).Order());

        var run = EngineRun.Of("(Get-Command -Module VirtSecurity).Name");
        Assert.Empty(run.Errors);
        Assert.Equal(Cmdlets, run.Output.Select(name => name.ToString()).Order());
    }

    [Fact]
    public void TheManifestSaysWhatAGalleryAndAnEngineWantToKnow()
    {
        Assert.All((string[])["GUID", "Author", "Copyright", "Description", "ModuleVersion"], name => Assert.NotEmpty((string)Manifest[name]!));
        Assert.Equal("7.4", Manifest["PowerShellVersion"]);
        Assert.Equal("Core", Assert.Single((object[])Manifest["CompatiblePSEditions"]!));
        // A wildcard would make the engine load the dll to answer Get-Command.
        Assert.All((string[])["FunctionsToExport", "AliasesToExport", "VariablesToExport"], name => Assert.Empty((object[])Manifest[name]!));
        var data = (Hashtable)((Hashtable)Manifest["PrivateData"]!)["PSData"]!;
        Assert.Contains("PSEdition_Core", (object[])data["Tags"]!);
        Assert.Contains("Linux", (object[])data["Tags"]!);
    }

    [Fact]
    public void WhatTheEngineBringsIsNotShippedAndWhatOthersMayBringLiesApart()
    {
        var bin = Path.Combine(EngineRun.RepoRoot, "bin");
        Assert.Empty(Directory.GetFiles(bin, "System.Management.Automation.dll", SearchOption.AllDirectories));
        Assert.Equal(["VirtSecurity.dll"], Directory.GetFiles(bin, "*.dll").Select(Path.GetFileName));
        Assert.Equal(["CliWrap.dll"], Directory.GetFiles(Path.Combine(bin, "deps")).Select(Path.GetFileName));
        Assert.All(
            ((object[])Manifest["FormatsToProcess"]!).Concat((object[])Manifest["TypesToProcess"]!).Append(Manifest["RootModule"]!),
            file => Assert.True(File.Exists(Path.Combine(EngineRun.RepoRoot, (string)file))));
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void AScriptParses(string path) => Parse(path);

    private static ScriptBlockAst Parse(string path)
    {
        var ast = Parser.ParseFile(Path.Combine(EngineRun.RepoRoot, path), out _, out var errors);
        Assert.Empty(errors.Select(error => $"{path}: {error}"));
        return ast;
    }
}
