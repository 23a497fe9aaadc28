using System.Globalization;
using System.Text;
using System.Text.Unicode;
using VirtSecurity.Resources;

namespace VirtSecurity.Planning;

/// <summary>The text of a plan's file: how much of it is read, and what of it is shown in errors.</summary>
internal static class PlanText
{
    /// <summary>A larger file is not read. A thousand guests take some two hundred thousand bytes.</summary>
    public const int MostBytes = 1 << 20;

    private const int MostShown = 80;

    private const int MostWords = 300;

    /// <summary>Reads a file: UTF-8, with or without its mark.</summary>
    /// <exception cref="VirtException">PlanTooLarge, PlanNotUnderstood, PlanFormatUnknown: by its name it is neither a .psd1 nor a .json file.</exception>
    public static PlanDocument Read(string file, ReadOnlySpan<byte> bytes)
    {
        var isPowerShell = IsPowerShell(file);
        if (bytes.Length > MostBytes) throw new VirtException("PlanTooLarge", file, $"it has more than {MostBytes >> 20} MiB");
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        if (!Utf8.IsValid(bytes)) throw NotUnderstood(file, 1 + bytes[..ValidLength(bytes)].Count((byte)'\n'), "it is not UTF-8 text");
        return new PlanDocument(file, isPowerShell ? Psd1Reader.Read(file, Encoding.UTF8.GetString(bytes)) : JsonPlanReader.Read(file, bytes), isPowerShell);
    }

    /// <summary>The language of a file, by its name's end.</summary>
    /// <exception cref="VirtException">PlanFormatUnknown.</exception>
    public static bool IsPowerShell(string file) => Path.GetExtension(file).ToUpperInvariant() switch
    {
        ".PSD1" => true,
        ".JSON" => false,
        _ => throw new VirtException("PlanFormatUnknown", file),
    };

    /// <summary>The error for what is no such file at all.</summary>
    public static VirtException NotUnderstood(string file, int line, string why) => new("PlanNotUnderstood", Place(file, line), Shown(why, MostWords));

    /// <summary>File and line, as editors and compilers write them.</summary>
    public static string Place(string file, int line) => line == 0 ? file : string.Create(CultureInfo.InvariantCulture, $"{file}:{line}");

    /// <summary>What somebody wrote, fit to be shown: one short line without anything that a terminal obeys.</summary>
    public static string Shown(string text, int most = MostShown)
    {
        var line = text.Length > most ? text[..most] + "..." : text;
        return string.Concat(line.Select(c => char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format ? '?' : c));
    }

    private static int ValidLength(ReadOnlySpan<byte> bytes)
    {
        var length = 0;
        while (Rune.DecodeFromUtf8(bytes[length..], out _, out var count) == System.Buffers.OperationStatus.Done) length += count;
        return length;
    }
}
