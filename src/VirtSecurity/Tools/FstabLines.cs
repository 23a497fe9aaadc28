using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>
/// Lines of /etc/fstab that were there before us: taken away, and put back where they were. A line is known by its number, and by the file
/// as it was read, which is each call's standard input up to the last of the lines: so a line is found again when others have edited
/// the file since, and comes back behind the nearest line above it that is still there. Where nobody has, every byte is as before.
/// </summary>
internal static class FstabLines
{
    /// <summary>The name of the call that takes lines away.</summary>
    public const string TakeName = "fstab-take";

    /// <summary>The name of the call that puts them back.</summary>
    public const string PutName = "fstab-put";

    /// <summary>The name of the call that asks whether they are gone.</summary>
    public const string GoneName = "fstab-gone";

    // where N: the number that the old file's line N has now, as the same one of all that read alike; nothing if it is not there. Bytes
    // stay bytes (LC_ALL=C, -a), and a carriage return is part of its line.
    private const string Begin = """
        set -eu
        f=$(readlink -f -- "$1")
        shift
        u=$(mktemp /run/virtsecurity-fstab.XXXXXX) t= old=$(mktemp /run/virtsecurity-fstab.XXXXXX)
        trap 'rm -f -- "$u" "$old" ${t:+"$t"}' EXIT
        cat >"$old"
        where() {
          w=$(sed -n "$1p" -- "$old")
          k=$(head -n "$1" -- "$old" | grep -caxF -e "$w")
          grep -naxF -e "$w" -- "$2" | sed -n "$k{s/:.*//;p;}"
        }
        unfinished() { [ -n "$(tail -c 1 -- "$1")" ]; }

        """;

    private const string Copy = Fstab.Lock + """
        t=$(mktemp "$f.XXXXXX")
        cp --preserve=all -- "$f" "$t"

        """;

    private const string End = """
        sync -- "$t"
        mv -fT -- "$t" "$f"
        t=
        sync -- "${f%/*}/"
        """;

    private const string Take = Begin + Copy + """
        for n in "$@"; do
          at=$(where "$n" "$t")
          if [ -n "$at" ]; then sed "${at}d" -- "$t" >"$u"; cat -- "$u" >"$t"; fi
        done

        """ + End;

    private const string Put = Begin + Copy + """
        for n in "$@"; do
          if [ -n "$(where "$n" "$t")" ]; then continue; fi
          m=$((n - 1)) at=0
          while [ "$m" -gt 0 ]; do
            at=$(where "$m" "$t")
            if [ -n "$at" ]; then break; fi
            m=$((m - 1)) at=0
          done
          all=$(grep -ac '' -- "$t" || :)
          {
            head -n "$at" -- "$t"
            if [ "$at" -gt 0 ] && [ "$at" -eq "$all" ] && unfinished "$t"; then echo; fi
            sed -n "${n}p" -- "$old"
            if [ "$at" -lt "$all" ] && [ "$n" -eq "$(grep -ac '' -- "$old")" ] && unfinished "$old"; then echo; fi
            tail -n "+$((at + 1))" -- "$t"
          } >"$u"
          cat -- "$u" >"$t"
        done

        """ + End;

    private const string Gone = Begin + """
        for n in "$@"; do
          if [ -z "$(where "$n" "$f")" ]; then
            echo gone
            exit 0
          fi
        done
        """;

    /// <summary>Takes lines away.</summary>
    /// <param name="file">/etc/fstab as it was read.</param>
    /// <param name="numbers">The lines' numbers, from 1.</param>
    public static ToolCall TakeLines(byte[] file, IReadOnlyCollection<int> numbers) => Edit(TakeName, Take, file, [.. numbers.OrderDescending()]) with
    {
        Display = $"{string.Join("; ", Texts(file, numbers).Select(line => $"grep -vxF {ShellQuote.Word(line)} {Fstab.Path}"))}   # into a copy: sync, rename",
    };

    /// <summary>Puts them back.</summary>
    public static ToolCall PutLines(byte[] file, IReadOnlyCollection<int> numbers) => Edit(PutName, Put, file, [.. numbers.Order()]) with
    {
        Display = $"{string.Join("; ", Texts(file, numbers).Select(line => $"echo {ShellQuote.Word(line)} >>{Fstab.Path}"))}   # where they were",
    };

    /// <summary>Prints something if one of them is not there.</summary>
    public static ToolCall AreGone(byte[] file, IReadOnlyCollection<int> numbers) => Edit(GoneName, Gone, file, [.. numbers.Order()]) with { Mutating = false };

    private static ToolCall Edit(string name, string script, byte[] file, IReadOnlyList<int> numbers) =>
        Fstab.Edit(name, script, [Fstab.Path, .. numbers.Select(number => number.ToString(CultureInfo.InvariantCulture))]) with
        {
            Stdin = UpTo(file, numbers.Max()),
        };

    private static byte[] UpTo(byte[] file, int lines)
    {
        var end = 0;
        for (var line = 0; line < lines && end < file.Length; line++) end = Array.IndexOf(file, (byte)'\n', end) is >= 0 and var at ? at + 1 : file.Length;
        return file[..end];
    }

    private static IEnumerable<string> Texts(byte[] file, IEnumerable<int> numbers)
    {
        var lines = HostText.Decode(file).Split('\n');
        return numbers.Order().Select(number => lines[number - 1].TrimEnd('\r'));
    }
}
