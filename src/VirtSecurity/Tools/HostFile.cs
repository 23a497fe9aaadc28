using System.Globalization;
using System.Text;

namespace VirtSecurity.Tools;

/// <summary>A file of a host as it was read: what it is, and what is in it.</summary>
/// <param name="Path">Its path on the host; where a link leads elsewhere, the link's.</param>
/// <param name="FileType">First column of <c>ls -l</c>, of what a link leads to: <c>-</c>, <c>d</c>, <c>c</c> ...; <c>l</c>: a link that leads nowhere.</param>
/// <param name="Mode">Its permission bits; of a link that leads nowhere, none.</param>
/// <param name="Owner">Number of its user.</param>
/// <param name="Group">Number of its group.</param>
/// <param name="Size">Its length in bytes; 0 for what the kernel makes when it is read.</param>
/// <param name="Modified">When it was last written, in seconds since 1970.</param>
/// <param name="Context">Its label as stat(1) prints it; null: none, or it could not be had.</param>
/// <param name="Content">What is in it, less its secrets; null: it was not read, and <paramref name="Reason"/> says why.</param>
/// <param name="Reason">Why it was not read; empty: it was.</param>
internal sealed record HostFile(string Path, char FileType, UnixFileMode Mode, long Owner, long Group, long Size, long Modified, string? Context, string? Content, string Reason)
{
    /// <summary>What was asked for is not in it: its kind was.</summary>
    public const string OnlyLookedAt = "it was only looked at";

    private const int TypeBits = 0xF000;

    /// <summary>What is in it.</summary>
    /// <exception cref="FormatException">It was not read.</exception>
    public string Text => Content ?? throw new FormatException($"{Path} was not read: {Reason}");

    /// <summary>Its lines, without their ends.</summary>
    /// <exception cref="FormatException">It was not read.</exception>
    public IReadOnlyList<string> Lines => Text.Length == 0 ? [] : Text.Split('\n');

    /// <summary>Whether others than its owner and its group may write to it, or its group and that is not root's.</summary>
    public bool IsWritableByOthers => Mode.HasFlag(UnixFileMode.OtherWrite) || (Mode.HasFlag(UnixFileMode.GroupWrite) && Group != 0);

    /// <summary>Its owner and permissions as evidence shows them: <c>0:0 0644</c>.</summary>
    public string Permissions => string.Create(CultureInfo.InvariantCulture, $"{Owner}:{Group} {Coreutils.Octal(Mode)}");

    /// <summary>A record of numbers as stat(1) prints them: mode in hexadecimal, user, group, size, time.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static HostFile FromStat(string path, string numbers, string context)
    {
        var words = numbers.Split(' ');
        if (words.Length != 5) throw new FormatException($"'{numbers}' is no answer of stat");
        var mode = int.Parse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        long Number(int index) => long.Parse(words[index], CultureInfo.InvariantCulture);
        return new(path, TypeOf(mode & TypeBits), (UnixFileMode)(mode & 0xFFF), Number(1), Number(2), Number(3), Number(4), context is "" or "?" ? null : context, null, OnlyLookedAt);
    }

    /// <summary>Files as one flat text, which a person can read and <see cref="Parse"/> too: a line for each file, its content below, each line behind a blank.</summary>
    public static string Write(IEnumerable<HostFile> files)
    {
        var text = new StringBuilder();
        foreach (var file in files)
        {
            text.Append(CultureInfo.InvariantCulture, $"= {file.FileType} {Coreutils.Octal(file.Mode)} {file.Owner} {file.Group} {file.Size} {file.Modified} {file.Context ?? "?"} {Escape(file.Path)}\n");
            if (file.Content is null) text.Append("! ").Append(Escape(file.Reason)).Append('\n');
            else foreach (var line in file.Lines) text.Append(' ').Append(line).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Reads <see cref="Write"/>.</summary>
    /// <exception cref="FormatException">It is no such text.</exception>
    public static IReadOnlyList<HostFile> Parse(string text)
    {
        var files = new List<HostFile>();
        var content = new StringBuilder();
        var hasLines = false;
        void End()
        {
            if (files.Count > 0 && files[^1].Content is not null) files[^1] = files[^1] with { Content = content.ToString() };
            content.Clear();
            hasLines = false;
        }

        var lines = text.Split('\n');
        if (lines[^1].Length > 0) throw new FormatException("its last line has no end");
        foreach (var line in lines.SkipLast(1))
        {
            switch (line)
            {
                case ['=', ' ', .. var head]:
                    End();
                    files.Add(Head(head));
                    break;
                case ['!', ' ', .. var reason] when files.Count > 0:
                    files[^1] = files[^1] with { Content = null, Reason = Unescape(reason) };
                    break;
                case [' ', .. var inside] when files is [.., { Content: not null }]:
                    if (hasLines) content.Append('\n');
                    content.Append(inside);
                    hasLines = true;
                    break;
                default:
                    throw new FormatException($"'{line}' is no line of a file");
            }
        }

        End();
        return files;
    }

    private static HostFile Head(string head)
    {
        var words = head.Split(' ', 8);
        if (words.Length != 8 || words[0].Length != 1) throw new FormatException($"'{head}' names no file");
        long Number(int index) => long.Parse(words[index], NumberStyles.None, CultureInfo.InvariantCulture);
        return new(Unescape(words[7]), words[0][0], (UnixFileMode)(Convert.ToInt32(words[1], 8) & 0xFFF), Number(2), Number(3), Number(4), Number(5), words[6] == "?" ? null : words[6], "", "");
    }

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Unescape(string text) => text.Contains('\\', StringComparison.Ordinal)
        ? string.Join('\\', text.Split("\\\\").Select(part => part.Replace("\\n", "\n", StringComparison.Ordinal)))
        : text;

    // stat(2), S_IFMT.
    private static char TypeOf(int bits) => bits switch { 0x8000 => '-', 0x4000 => 'd', 0x2000 => 'c', 0x6000 => 'b', 0x1000 => 'p', 0xC000 => 's', 0xA000 => 'l', _ => '?' };
}
