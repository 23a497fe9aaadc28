using System.Globalization;
using System.Resources;

namespace VirtSecurity.Resources;

/// <summary>The texts of Messages.resx, by name.</summary>
internal static class Messages
{
    /// <summary>The message named ID + this says what to do about the error ID.</summary>
    internal const string RemedySuffix = "_Remedy";

    private static readonly ResourceManager Table = new("VirtSecurity.Resources.Messages", typeof(Messages).Assembly);

    /// <summary>The message with its placeholders filled, the same in every culture.</summary>
    /// <exception cref="ArgumentException">No message has that name.</exception>
    internal static string Format(string name, params object?[] arguments)
    {
        var text = Table.GetString(name, CultureInfo.InvariantCulture)
            ?? throw new ArgumentException($"Messages.resx has no text named '{name}'.", nameof(name));
        return string.Format(CultureInfo.InvariantCulture, text, arguments);
    }
}
