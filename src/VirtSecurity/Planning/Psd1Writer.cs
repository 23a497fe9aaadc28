using System.Globalization;
using System.Text;

namespace VirtSecurity.Planning;

/// <summary>Writes a plan as a PowerShell data file, with a word on each of its keys for whoever goes on writing it.</summary>
internal static class Psd1Writer
{
    private const string Indent = "    ";

    private static readonly Dictionary<string, string> Comments = new()
    {
        [nameof(DeploymentPlan.Hypervisor)] = "Kvm or Xen.",
        [nameof(DeploymentPlan.Services)] = "Units that the host itself runs; * stands for any text. @{ Name = 'sshd.service'; Purpose = 'log-in of administrators' }",
        [nameof(DeploymentPlan.Sockets)] = "What listens to the network, and who may reach it. @{ Port = 22; Protocol = 'tcp'; Service = 'sshd'; From = @('192.0.2.0/24') }",
        [nameof(DeploymentPlan.Users)] = "People with accounts on the host, besides the administrators.",
        [nameof(DeploymentPlan.Administrators)] = "People who may become root.",
        [nameof(DeploymentPlan.Booleans)] = "SELinux booleans that differ from the module's defaults. virt_use_nfs = $true",
        [nameof(DeploymentPlan.Networks)] = "Role is Management, Storage or Guest. @{ Name = 'guests'; Role = 'Guest'; Interfaces = @('br0') }",
        [nameof(DeploymentPlan.Volumes)] = "Guest storage, as New-SecureGuestVolume takes it. @{ VolumeGroup = 'vg0'; Name = 'web'; Size = '20GB'; MountPoint = '/virtstorage/web' }",
        [nameof(DeploymentPlan.Guests)] = "The guests, what they serve and what they need. @{ Name = 'web'; Services = @(@{ Name = 'https' }); Needs = @(); Networks = @('guests') }",
        [nameof(DeploymentPlan.Waivers)] = "Checks that may fail for a time. @{ Id = 'FWL-08'; Reason = '...'; Owner = '...'; Expires = '2030-12-31' }",
    };

    /// <summary>The file's text.</summary>
    public static string Write(PlanMap plan)
    {
        var text = new StringBuilder("# What this host is for: a deployment plan of VirtSecurity's. It is read as data; nothing in it is run.\n@{\n");
        foreach (var entry in plan.Entries)
        {
            if (Comments.TryGetValue(entry.Key, out var comment)) text.Append(CultureInfo.InvariantCulture, $"\n{Indent}# {comment}\n");
            text.Append(CultureInfo.InvariantCulture, $"{Indent}{Key(entry.Key)} = ");
            Append(text, entry.Value, Indent);
            text.Append('\n');
        }

        return text.Append("}\n").ToString();
    }

    private static void Append(StringBuilder text, PlanNode node, string indent)
    {
        switch (node)
        {
            case PlanMap { Entries.Count: 0 }: text.Append("@{}"); break;
            case PlanMap map: AppendMap(text, map, indent); break;
            case PlanList { Items.Count: 0 }: text.Append("@()"); break;
            case PlanList list when list.Items.All(item => item is PlanScalar):
                text.Append("@(").AppendJoin(", ", list.Items.Select(item => Value((PlanScalar)item))).Append(')');
                break;
            case PlanList list: AppendLines(text, "@(", list.Items, ")", indent, (item, within) => Append(text, item, within)); break;
            default: text.Append(Value((PlanScalar)node)); break;
        }
    }

    /// <summary>In one line what is short enough for one: a service, a socket.</summary>
    private static void AppendMap(StringBuilder text, PlanMap map, string indent)
    {
        if (map.Entries.All(entry => entry.Value is PlanScalar or PlanList { Items: [] or [PlanScalar, ..] }))
        {
            text.Append("@{ ");
            foreach (var (entry, i) in map.Entries.Select((entry, i) => (entry, i)))
            {
                text.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : "; ")}{Key(entry.Key)} = ");
                Append(text, entry.Value, indent);
            }

            text.Append(" }");
            return;
        }

        AppendLines(text, "@{", map.Entries, "}", indent, (entry, within) =>
        {
            text.Append(CultureInfo.InvariantCulture, $"{Key(entry.Key)} = ");
            Append(text, entry.Value, within);
        });
    }

    private static void AppendLines<T>(StringBuilder text, string begin, IEnumerable<T> items, string end, string indent, Action<T, string> append)
    {
        text.Append(begin).Append('\n');
        foreach (var item in items)
        {
            text.Append(indent).Append(Indent);
            append(item, indent + Indent);
            text.Append('\n');
        }

        text.Append(indent).Append(end);
    }

    private static string Key(string key) => key.All(c => char.IsAsciiLetter(c) || c == '_') ? key : Quoted(key);

    private static string Value(PlanScalar scalar) => scalar.Value switch
    {
        null => "$null",
        bool flag => flag ? "$true" : "$false",
        decimal number => number.ToString(CultureInfo.InvariantCulture),
        var text => Quoted((string)text),
    };

    /// <summary>In single quotes nothing is worked out; every kind of single quote, typographic ones too, is written twice (about_Quoting_Rules).</summary>
    private static string Quoted(string text) => $"'{string.Concat(text.Select(c => Psd1Scanner.SingleQuotes.Contains(c, StringComparison.Ordinal) ? $"{c}{c}" : $"{c}"))}'";
}
