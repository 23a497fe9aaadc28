using VirtSecurity.Tools;

namespace VirtSecurity.Planning;

/// <summary>A unit's name in a plan, in which * stands for any text.</summary>
internal static class UnitPattern
{
    /// <summary>Whether a plan names a unit: itself, its socket, or another that starts it.</summary>
    public static bool IsPlanned(DeploymentPlan? plan, UnitState unit) => plan is not null
        && unit.TriggeredBy.Append(unit.Name).Append(Path.ChangeExtension(unit.Name, ".socket")).Any(name => plan.Services.Any(service => IsMatch(service.Name, name)));

    /// <summary>Whether a unit is one that is meant. Linux names: case counts.</summary>
    public static bool IsMatch(string pattern, string unit)
    {
        var parts = pattern.Split('*');
        if (parts.Length == 1) return pattern == unit;
        if (!unit.StartsWith(parts[0], StringComparison.Ordinal)) return false;
        var at = parts[0].Length;
        foreach (var part in parts[1..^1])
        {
            var found = unit.IndexOf(part, at, StringComparison.Ordinal);
            if (found < 0) return false;
            at = found + part.Length;
        }

        return unit.Length - at >= parts[^1].Length && unit.EndsWith(parts[^1], StringComparison.Ordinal);
    }
}
