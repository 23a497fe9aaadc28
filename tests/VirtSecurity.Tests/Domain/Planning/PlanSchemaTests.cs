using System.Text;
using System.Text.Json.Nodes;
using Json.Schema;
using VirtSecurity.Planning;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.Tests.Domain.Planning;

/// <summary>The published schema and the validator are of one mind, as far as a schema can have one.</summary>
public sealed class PlanSchemaTests
{
    /// <summary>As shipped, beside the dll.</summary>
    private static readonly JsonSchema Schema = JsonSchema.FromFile(Path.Combine(EngineRun.RepoRoot, "bin/VirtSecurity.DeploymentPlan.schema.json"));

    /// <summary>Words of the validator on what lies beyond a schema: other tables, and what addresses, days, paths and sizes are.</summary>
    private static readonly string[] Beyond =
    [
        "planned already", "among the administrators", "the plan has no ", "is there twice", "cannot end before it", "IPv4 or IPv6", "neither an address nor a network", "192.0.2.0/24 is how",
        "it is no day", "is refused", "cannot be used as a path", "cannot be the name",
    ];

    [Fact]
    public void ThePlanThatHasEverythingIsValid()
    {
        Assert.True(IsValid(Plans.FullJson));
        Assert.True(IsValid(Encoding.UTF8.GetString(PlanWriter.Write("a.json", Plans.Valid("a.psd1", Plans.FullPsd1)))));
        Assert.True(IsValid("{}"));
        Assert.True(IsValid(Encoding.UTF8.GetString(PlanWriter.Write("a.json", new DeploymentPlan()))));
    }

    [Fact]
    public void EveryKeyOfThePlanIsInTheSchemaAndNoOther()
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(EngineRun.RepoRoot, "bin/VirtSecurity.DeploymentPlan.schema.json")))!;
        string[] Keys(JsonNode node) => [.. node["properties"]!.AsObject().Select(one => one.Key).Where(key => key[0] != '$').Order(StringComparer.Ordinal)];
        string[] Names(Type type) => [.. type.GetProperties().Where(property => property.GetMethod!.IsPublic).Select(property => property.Name).Order(StringComparer.Ordinal)];
        JsonNode Items(string key) => schema["properties"]![key]!["items"]!;
        Assert.Equal(Names(typeof(DeploymentPlan)), Keys(schema));
        (string Key, Type Type)[] tables =
        [
            ("Services", typeof(PlannedService)), ("Sockets", typeof(PlannedSocket)), ("Networks", typeof(PlannedNetwork)), ("Volumes", typeof(PlannedVolume)), ("Guests", typeof(PlannedGuest)), ("Waivers", typeof(Waiver)),
        ];
        Assert.All(tables, table => Assert.Equal(Names(table.Type), Keys(Items(table.Key))));
        Assert.Equal(Enum.GetNames<GuestNeed>(), Items("Guests")["properties"]!["Needs"]!["items"]!["enum"]!.AsArray().Select(word => (string)word!));
        Assert.Equal(Enum.GetNames<NetworkRole>(), Items("Networks")["properties"]!["Role"]!["enum"]!.AsArray().Select(word => (string)word!));
    }

    public static TheoryData<string> Wrong => [.. PlanBinderTests.Wrong.Select(row => row.Data.Item1)];

    [Theory]
    [MemberData(nameof(Wrong))]
    public void WhatTheValidatorRefusesTheSchemaRefusesWhereItCan(string json)
    {
        var problems = Plans.Read("a.json", json).Problems;
        Assert.NotEmpty(problems);
        var isBeyond = problems.All(problem => Beyond.Any(words => problem.Message.Contains(words, StringComparison.Ordinal)));
        Assert.True(isBeyond || !IsValid(json), problems[0].Message);
    }

    /// <summary>Every value of a full plan in turn is replaced by each of these: whatever the schema refuses, the validator refuses, and the other way but for what is beyond it.</summary>
    [Fact]
    public void TheyAgreeOnEveryValueThatIsReplaced()
    {
        string[] values = ["null", "true", "1", "-1", "1.5", "70000", "\"\"", "\" \"", "\"text\"", "\"/\"", "\"a/b\"", "\"10.0.0.1\"", "\"5GB\"", "\"tab\\there\"", "[]", "[1]", "[\"a\"]", "[null]", "[{}]", "{}", "{ \"Name\": \"a\" }", "{ \"Colour\": 1 }", $"\"{new string('x', 1025)}\""];
        var (agreed, beyond) = (0, 0);
        var plan = JsonNode.Parse(Plans.FullJson)!;
        foreach (var path in Paths(plan, []).Skip(1))
        {
            foreach (var value in values)
            {
                var changed = plan.DeepClone();
                var parent = path[..^1].Aggregate(changed, (node, step) => step is int index ? node[index]! : node[(string)step]!);
                if (path[^1] is int item) parent[item] = JsonNode.Parse(value);
                else parent[(string)path[^1]] = JsonNode.Parse(value);
                var json = changed.ToJsonString();
                var reading = Plans.Read("a.json", json);
                if (IsValid(json) == reading.Plan is not null) agreed++;
                else if (reading.Plan is null && reading.Problems.All(problem => Beyond.Any(words => problem.Message.Contains(words, StringComparison.Ordinal)))) beyond++;
                else Assert.Fail($"{string.Join('.', path)} = {value}: the schema says {IsValid(json)}, the validator {string.Join("; ", reading.Problems.Select(problem => problem.Message).DefaultIfEmpty("it is valid"))}");
            }
        }

        Assert.True(agreed > 1000 && beyond < agreed / 10, $"{agreed} agreed, {beyond} beyond");
    }

    private static IEnumerable<object[]> Paths(JsonNode? node, object[] path)
    {
        yield return path;
        var below = node switch
        {
            JsonObject map => map.SelectMany(one => Paths(one.Value, [.. path, one.Key])),
            JsonArray list => list.SelectMany((item, i) => Paths(item, [.. path, i])),
            _ => [],
        };
        foreach (var one in below) yield return one;
    }

    private static bool IsValid(string json) => Schema.Evaluate(System.Text.Json.JsonDocument.Parse(json).RootElement).IsValid;
}
