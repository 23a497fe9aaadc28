using System.Text.RegularExpressions;
using Mono.Cecil;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.Tests;

/// <summary>The arrows of docs/architecture.md, read out of the compiled dll.</summary>
public sealed partial class ArchitectureTests
{
    private const string Root = "VirtSecurity.";

    /// <summary>From the top down; folders of one line stand side by side and do not use each other.</summary>
    private static readonly string[][] Order = [["Commands"], ["Hardening"], ["Planning"], ["Storage", "Images"], ["Facts"], ["Changes"], ["Tools"], ["SELinux"], ["Hosts"]];

    /// <summary>Usable by all, using none; and what stands alone.</summary>
    private const string Shared = "Resources";
    private const string Alone = "Loading";

    private static readonly IReadOnlyList<Arrow> Arrows = Read();

    [Fact]
    public void NoArrowRunsAgainstThePicture() => Assert.Empty(Against(Arrows, Order));

    [Fact]
    public void TheCheckSeesArrowsThatRunAgainstAPicture()
    {
        var reversed = Against(Arrows, [.. Order.Reverse()]).ToArray();
        Assert.Contains(reversed, violation => violation.Contains("-> VirtSecurity.Hosts.", StringComparison.Ordinal));
        Assert.Contains(reversed, violation => violation.StartsWith("VirtSecurity.Storage.", StringComparison.Ordinal));
        // Bodies, compiler-made types and attributes are read too, not only signatures.
        Assert.Contains(Arrows, arrow => arrow is { From: "VirtSecurity.Storage.HostStorage", To: "VirtSecurity.Tools.Lsblk" });
        Assert.Contains(Arrows, arrow => arrow is { From: "VirtSecurity.Changes.Undoer", To: "VirtSecurity.Hosts.ToolResult" });
        Assert.Contains(Arrows, arrow => arrow.To == "System.Management.Automation.CmdletAttribute");
    }

    [Fact]
    public void PowerShellLivesInCommandsAndLoading() =>
        Assert.Equal(["Commands", "Loading"], Users(arrow => arrow.Assembly == "System.Management.Automation").Select(Folder).Distinct().Order());

    [Fact]
    public void OnlyHostsRunsProcesses()
    {
        Assert.Equal(["Hosts"], Users(arrow => arrow.Assembly == "CliWrap").Select(Folder).Distinct());
        Assert.Empty(Users(arrow => arrow.To is "System.Diagnostics.Process" or "System.Diagnostics.ProcessStartInfo"));
    }

    [Fact]
    public void OnlyReadersAndTheRunOfAChangeHoldAHost()
    {
        // The flows hand a reader on as a value: they name its signature, and call nothing.
        string[] named = ["HostGlob", "FactBatch", "QuickNames", "StoreInventory", "RepairPlan", "VolumeFlows", "ChangeFlow", "ChangeRunner", "ChangeMaker", "Undoer", "PastRun", "Finisher", "PolicyState", "SecureGuestVolumes", "RawVolumes", "VirtImageContexts", "ContextRemovals", "ImageMoves"];
        var holders = Users(arrow => arrow.To == typeof(IHost).FullName)
            .Where(type => Folder(type) is not ("Hosts" or "Commands"))
            .Select(type => type.Split('.')[^1].Split('`')[0]);
        Assert.Empty(holders.Where(name => !name.EndsWith("Reader", StringComparison.Ordinal)).Except(named));
    }

    [Fact]
    public void OnlyTheBatchOfFactsAndTheRunOfAChangeRunAnything()
    {
        string[] callers = ["VirtSecurity.Facts.FactBatch", "VirtSecurity.Storage.QuickNames", "VirtSecurity.Changes.ChangeRunner", "VirtSecurity.Changes.ChangeMaker", "VirtSecurity.Changes.Undoer",
            "VirtSecurity.Changes.Finisher", "VirtSecurity.Changes.PastRun", "VirtSecurity.Changes.PolicyState"];
        var users = Users(arrow => arrow is { To: "VirtSecurity.Hosts.IHost", Member: nameof(IHost.RunAsync) });
        Assert.Equal(callers.Order(), users.Where(type => Folder(type) is not ("Hosts" or "Commands")).Order());
    }

    [Fact]
    public void ThePictureNamesTheFoldersThatThereAre()
    {
        var text = File.ReadAllText(Path.Combine(EngineRun.RepoRoot, "docs", "architecture.md"));
        var picture = text.Split("```")[1];
        var drawn = FolderInPicture().Matches(picture).Select(match => match.Value).ToArray();
        var there = Directory.GetDirectories(Path.Combine(EngineRun.RepoRoot, "src", "VirtSecurity"))
            .Select(path => Path.GetFileName(path)).Where(name => name is not ("bin" or "obj"));
        Assert.Equal(Order.SelectMany(line => line), drawn);
        Assert.Equal(there.Order(), drawn.Append(Shared).Append(Alone).Order());
        Assert.Contains($"`{Shared}`", text, StringComparison.Ordinal);
        Assert.Contains($"`{Alone}`", text, StringComparison.Ordinal);
    }

    /// <summary>The rule: arrows run down, never up and never sideways.</summary>
    private static IEnumerable<string> Against(IEnumerable<Arrow> arrows, string[][] order)
    {
        int Level(string folder) => Array.FindIndex(order, line => line.Contains(folder));

        bool IsAllowed(string from, string to) =>
            from == to
            || (to == Shared && from != Alone)
            || (Level(from) >= 0 && Level(to) >= 0 && Level(from) < Level(to));

        return arrows.Where(arrow => arrow.To.StartsWith(Root, StringComparison.Ordinal) && !IsAllowed(Folder(arrow.From), Folder(arrow.To))).Select(arrow => $"{arrow.From} -> {arrow.To}").Distinct();
    }

    private static IEnumerable<string> Users(Func<Arrow, bool> uses) => Arrows.Where(uses).Select(arrow => arrow.From).Distinct();

    private static string Folder(string type) => type.StartsWith(Root, StringComparison.Ordinal) ? type[Root.Length..].Split('.')[0] : "";

    private static IReadOnlyList<Arrow> Read()
    {
        using var module = ModuleDefinition.ReadModule(typeof(VirtHost).Assembly.Location);
        return [.. module.GetTypes().Where(type => Outermost(type).Namespace.StartsWith(Root, StringComparison.Ordinal)).SelectMany(TypeUses.Of).Distinct()];
    }

    private static TypeDefinition Outermost(TypeDefinition type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    // A folder stands at the beginning of its line, after the two spaces the picture is indented by.
    [GeneratedRegex(@"(?<=^  )[A-Z][A-Za-z]+(?=  )", RegexOptions.Multiline)]
    private static partial Regex FolderInPicture();

    /// <summary>One type uses another, perhaps by one of its members. Both by their outermost type's full name.</summary>
    private sealed record Arrow(string From, string To, string Assembly, string? Member);

    /// <summary>All that a type's metadata and code refer to.</summary>
    private static class TypeUses
    {
        public static IEnumerable<Arrow> Of(TypeDefinition type)
        {
            var from = Outermost(type).FullName;
            var own = Types(type).Select(used => (Type: used, Member: (string?)null));
            var bodies = type.Methods.Where(method => method.HasBody).SelectMany(Operands);
            return own.Concat(bodies).SelectMany(use => Flat(use.Type).Select(used => (Type: used, use.Member))).Where(use => use.Type is not GenericParameter)
                .Select(use => new Arrow(from, Outer(use.Type).FullName, AssemblyOf(use.Type), use.Member));
        }

        private static IEnumerable<TypeReference?> Types(TypeDefinition type) =>
        [
            type.BaseType,
            .. type.Interfaces.Select(one => one.InterfaceType),
            .. type.Fields.Select(field => field.FieldType),
            .. type.Properties.Select(property => property.PropertyType),
            .. type.Events.Select(one => one.EventType),
            .. type.GenericParameters.SelectMany(parameter => parameter.Constraints).Select(constraint => constraint.ConstraintType),
            .. type.Methods.SelectMany(Signature),
            .. Attributes(type), .. type.Fields.SelectMany(Attributes), .. type.Properties.SelectMany(Attributes), .. type.Methods.SelectMany(Attributes),
        ];

        private static IEnumerable<TypeReference?> Signature(MethodReference method) =>
            [method.ReturnType, .. method.Parameters.Select(parameter => parameter.ParameterType), .. method is GenericInstanceMethod generic ? generic.GenericArguments : []];

        /// <summary>An attribute, and the types in its arguments, such as an ArgumentCompleter's.</summary>
        private static IEnumerable<TypeReference?> Attributes(ICustomAttributeProvider item) => item.CustomAttributes.SelectMany(attribute => attribute.ConstructorArguments
            .Concat(attribute.Properties.Select(property => property.Argument)).Select(argument => argument.Value).OfType<TypeReference>().Prepend(attribute.AttributeType));

        private static IEnumerable<(TypeReference? Type, string? Member)> Operands(MethodDefinition method) =>
            method.Body.Variables.Select(variable => ((TypeReference?)variable.VariableType, (string?)null))
                .Concat(method.Body.ExceptionHandlers.Select(handler => ((TypeReference?)handler.CatchType, (string?)null)))
                .Concat(method.Body.Instructions.SelectMany(instruction => instruction.Operand switch
                {
                    MethodReference called => Signature(called).Select(used => (used, (string?)null)).Prepend((called.DeclaringType, called.Name)),
                    FieldReference field => [(field.DeclaringType, field.Name), (field.FieldType, null)],
                    TypeReference used => [(used, null)],
                    _ => Enumerable.Empty<(TypeReference?, string?)>(),
                }));

        /// <summary>A type without its array, reference and generic clothes, and the types these were made of.</summary>
        private static IEnumerable<TypeReference> Flat(TypeReference? type) => type switch
        {
            null => [],
            GenericInstanceType generic => generic.GenericArguments.SelectMany(Flat).Concat(Flat(generic.ElementType)),
            IModifierType modified => Flat(modified.ModifierType).Concat(Flat(modified.ElementType)),
            TypeSpecification specification => Flat(specification.ElementType),
            _ => [type],
        };

        private static TypeReference Outer(TypeReference type) => type.DeclaringType is { } outer ? Outer(outer) : type;

        private static string AssemblyOf(TypeReference type) => type.Scope switch
        {
            AssemblyNameReference reference => reference.Name,
            ModuleDefinition module => module.Assembly.Name.Name,
            var scope => scope.Name,
        };
    }
}
