using System.Buffers.Binary;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>The domains that SELinux only watches.</summary>
/// <param name="Local">Those that the administrator made so, by name: modules of the policy's store.</param>
/// <param name="Loaded">How many there are in the policy the kernel runs; null: it did not say.</param>
internal sealed record PermissiveFact(IReadOnlyList<string> Local, int? Loaded);

/// <summary>Permissive domains: the store's modules name the administrator's; how many there are in all stands near the beginning of the kernel's policy.</summary>
internal static class PermissiveTypes
{
    private const uint PolicyMagic = 0xf97cff8c;
    private const int FirstVersionWithCapabilities = 22;
    private const int FirstVersionWithPermissive = 23;

    private const string Script = SELinuxFs.StoreName + """
        for d in "/var/lib/selinux/$s/active/modules"/[0-9]*/permissive_* "/etc/selinux/$s/modules/active/modules"/permissive_*; do
          if [ -e "$d" ]; then n=${d##*/permissive_}; printf 'local %s\n' "${n%.pp}"; fi
        done
        if [ -r /sys/fs/selinux/policy ]; then printf 'policy '; head -c 8192 /sys/fs/selinux/policy | base64 -w 0; echo; fi
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("permissive-types", Script) with { Display = "semanage permissive -l" };

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static PermissiveFact Read(ToolResult result)
    {
        var lines = result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2)).Where(words => words.Length == 2).ToArray();
        var policy = lines.Where(words => words[0] == "policy").Select(words => words[1]).FirstOrDefault();
        return new([.. lines.Where(words => words[0] == "local").Select(words => words[1]).Distinct().Order(StringComparer.Ordinal)], policy is null ? null : Count(Convert.FromBase64String(policy)));
    }

    /// <summary>
    /// How many types are permissive in a binary policy. Its head (libsepol, policydb_read): magic, length and text of its name, version, flags, two counts of
    /// tables, then bit maps of its capabilities and of its permissive types; all little-endian.
    /// </summary>
    /// <exception cref="FormatException">It is no such policy, or ends too early.</exception>
    public static int Count(ReadOnlySpan<byte> policy)
    {
        var at = policy;
        if (Word(ref at) != PolicyMagic) throw new FormatException("the kernel's policy does not begin as one");
        var length = (int)Math.Min(Word(ref at), 64);
        if (length > at.Length) throw new FormatException("the kernel's policy ends too early");
        at = at[length..];
        var version = Word(ref at);
        for (var skipped = 0; skipped < 3; skipped++) Word(ref at);
        if (version >= FirstVersionWithCapabilities) BitsOfMap(ref at);
        return version >= FirstVersionWithPermissive ? BitsOfMap(ref at) : 0;
    }

    // ebitmap_read: bits in a unit, highest bit, number of units; then for each unit its first bit and its bits.
    private static int BitsOfMap(ref ReadOnlySpan<byte> at)
    {
        if (Word(ref at) != 64) throw new FormatException("the kernel's policy has no bit map where one belongs");
        Word(ref at);
        var bits = 0;
        for (var units = Word(ref at); units > 0; units--)
        {
            Word(ref at);
            bits += System.Numerics.BitOperations.PopCount(Word(ref at)) + System.Numerics.BitOperations.PopCount(Word(ref at));
        }

        return bits;
    }

    private static uint Word(ref ReadOnlySpan<byte> at)
    {
        if (at.Length < sizeof(uint)) throw new FormatException("the kernel's policy ends too early");
        var word = BinaryPrimitives.ReadUInt32LittleEndian(at);
        at = at[sizeof(uint)..];
        return word;
    }
}
