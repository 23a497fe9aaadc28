using System.Collections;
using System.Globalization;
using System.Management.Automation;
using VirtSecurity.Planning;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>
/// A plan given as an object: as the cmdlets return it, as it comes from CLIXML or another process, or as somebody wrote it down (a hashtable, what
/// ConvertFrom-Json returns). All become the neutral tree and are judged as a file is.
/// </summary>
internal static class PlanObjects
{
    private const string Name = "the plan given";
    private const string Deserialized = "Deserialized.";

    /// <summary>What the drafts carry beside the plan.</summary>
    private const string Host = "VirtHost";

    /// <summary>Whether an object can be a plan: any other may have a property that is meant, such as a path.</summary>
    public static bool IsPlan(object? given) => Base(given) is DeploymentPlan or IDictionary
        || (given is PSObject { BaseObject: PSCustomObject } custom && custom.Properties.Any(property => typeof(DeploymentPlan).GetProperty(property.Name) is not null));

    /// <summary>Reads and judges it.</summary>
    /// <exception cref="VirtException">PlanNotUnderstood: it is nested without end.</exception>
    public static PlanReading Read(object given, IReadOnlyCollection<string>? checks) =>
        PlanBinder.Bind(new PlanDocument(Name, Base(given) is DeploymentPlan plan ? PlanTree.Of(plan) : Node(given, 0), true), checks);

    private static object? Base(object? given) => given is PSObject wrapped ? wrapped.BaseObject : given;

    private static PlanNode Node(object? given, int depth)
    {
        if (depth > PlanNode.MostDepth) throw PlanText.NotUnderstood(Name, 0, $"it is nested more than {PlanNode.MostDepth} deep");
        if (given is PSObject wrapped && IsDeserialized(wrapped, "System.Enum")) return new PlanScalar(wrapped.ToString(), 0);
        return Base(given) switch
        {
            // An empty property says nothing, as an empty cell does.
            null or "" => new PlanScalar(null, 0),
            string or bool or decimal => new PlanScalar(Base(given), 0),
            DateOnly day => Day(day),
            DateTime time => Day(DateOnly.FromDateTime(time)),
            Enum word => new PlanScalar(word.ToString(), 0),
            IDictionary table => new PlanMap([.. Pairs(table).Select(pair => new PlanEntry(pair.Key.ToString() ?? "", Node(pair.Value, depth + 1), 0))], 0),
            IEnumerable items => new PlanList([.. items.Cast<object?>().Select(item => Node(item, depth + 1))], 0),
            PSCustomObject => Custom((PSObject)given!, depth),
            IConvertible number when LanguagePrimitives.TryConvertTo<decimal>(number, CultureInfo.InvariantCulture, out var value) => new PlanScalar(value, 0),
            var other => new PlanScalar(other.ToString(), 0),
        };
    }

    private static PlanNode Custom(PSObject given, int depth)
    {
        int Part(string name) => LanguagePrimitives.ConvertTo<int>(given.Properties[name]?.Value);
        return IsDeserialized(given, "System.DateOnly")
            ? Day(new DateOnly(Part("Year"), Part("Month"), Part("Day")))
            : new PlanMap([.. given.Properties.Where(property => depth > 0 || property.Name != Host).Select(property => new PlanEntry(property.Name, Node(property.Value, depth + 1), 0))], 0);
    }

    private static bool IsDeserialized(PSObject given, string type) => given.TypeNames.Contains(Deserialized + type);

    private static PlanScalar Day(DateOnly day) => new(day.ToString(PlanRules.DayFormat, CultureInfo.InvariantCulture), 0);

    private static IEnumerable<DictionaryEntry> Pairs(IDictionary table)
    {
        foreach (DictionaryEntry pair in table) yield return pair;
    }
}
