using System.IO.Compression;
using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>The lookup gives every path the label that libselinux gives it: matchpathcon answers for the same files.</summary>
public sealed class PolicyTests(LabFixture fixture) : LabTest(fixture)
{
    private const int Seed = 20_261_125;

    private const string LocalRules = """
        # What administrators write, and what they should not.
        /srv/vm(/.*)?	system_u:object_r:l01_t:s0
        /srv/vm/[^/]+/none(/.*)?	<<none>>
        /srv/vm/.*	-d	system_u:object_r:l02_t:s0
        /srv/vm/.*\.qcow2	--	system_u:object_r:l03_t:s0
        /srv/vm/x\.qcow2	system_u:object_r:l04_t:s0
        /vm\x2ddata/images(/.*)?	system_u:object_r:l05_t:s0
        /vm[\x2d]data/images/b(/.*)?	system_u:object_r:l06_t:s0
        /vm\x2ddata(/.*)?	system_u:object_r:l07_t:s0
        /vm\-data/a	system_u:object_r:l08_t:s0
        /gr[\xc3][\xb6][\xc3][\x9f]e/\xc3\xbc(/.*)?	system_u:object_r:l09_t:s0
        /[\xff](/[\x80-\xff]+)*	system_u:object_r:l10_t:s0
        /srv/(a|b|ab)c?d{2}(e{1,3}|f{2,})*	system_u:object_r:l11_t:s0
        /srv/\d+/\w+/\s\S\D\W	system_u:object_r:l12_t:s0
        /srv/[[:alpha:]_]+[^[:alnum:]/][]a-][^]b]	system_u:object_r:l13_t:s0
        /one|/two/three	system_u:object_r:l14_t:s0
        /left/a|/right/b	system_u:object_r:l15_t:s0
        /srv/lazy.*?x+?y??	system_u:object_r:l16_t:s0
        /srv/(?:q|r)(?:/(?:s|t))*	-l	system_u:object_r:l17_t:s0
        /srv/x{/y{a}/z{,b	system_u:object_r:l18_t:s0
        /srv/()(|u)v	system_u:object_r:l19_t:s0
        /srv/\x{41}\t\x9	-p	system_u:object_r:l20_t:s0
        /srv/dup	system_u:object_r:l21_t:s0
        /srv/dup	system_u:object_r:l22_t:s0
        /srv/dup	-s	system_u:object_r:l23_t:s0
        /srv//slashes/	system_u:object_r:l24_t:s0
        /root-of-subs	system_u:object_r:l25_t:s0
        /srv/tail.	-b	system_u:object_r:l26_t:s0-s0:c0.c1023
        relative/x	system_u:object_r:l27_t:s0
        """;

    private const string LocalEquivalences = """
        /guests /srv/vm
        /guests /var/lib/libvirt/images
        /guests/deep /guests
        /run/user-made /var/run/libvirt
        /subs /
        /first /run
        /slash/ /srv/vm
        /only-one-word
        """;

    /// <summary>A sample of each policy.</summary>
    [Theory]
    [InlineData("default")]
    [InlineData("mls")]
    public Task EachPathGetsTheContextThatMatchpathconGivesIt(string policy) => CompareAsync(policy, 3_000);

    [Theory]
    [InlineData("default")]
    [InlineData("mls")]
    [Trait(Lengthy, Yes)]
    public Task EachOfAHundredThousandPathsGetsTheContextThatMatchpathconGivesIt(string policy) => CompareAsync(policy, 100_000);

    private async Task CompareAsync(string policy, int count)
    {
        var contexts = await ContextsAsync(policy);
        var paths = new PolicyPaths(contexts, Seed).Make(count).ToArray();
        var wrong = new List<string>();
        var rules = new HashSet<FileContextRule>();
        foreach (var group in paths.GroupBy(path => path.FileType))
        {
            var asked = group.Select(path => path.Path).ToArray();
            var answers = await MatchpathconAsync(group.Key, asked);
            Assert.Equal(asked.Length, answers.Length);
            for (var i = 0; i < asked.Length; i++)
            {
                var rule = contexts.Lookup(HostText.Decode(asked[i]), group.Key);
                if (rule is not null) rules.Add(rule);
                if ((rule?.Context?.ToString() ?? "<<none>>") != answers[i]) wrong.Add($"{group.Key} {Convert.ToHexString(asked[i])} {Encoding.Latin1.GetString(asked[i])}: {rule}, but matchpathcon says {answers[i]}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{policy}: {paths.Length} paths, {wrong.Count} differences, {rules.Count} of {contexts.Rules.Count} rules gave a label");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {paths.Length}:\n{string.Join('\n', wrong.Take(50))}");
        // A rule behind one that takes all of its paths never gives one, but few are.
        Assert.True(rules.Count > Math.Min(count / 3, contexts.Rules.Count / 2), $"only {rules.Count} rules gave a label");
    }

    /// <summary>The policy's own files with ours beside them, on the host and here.</summary>
    private async Task<FileContexts> ContextsAsync(string policy)
    {
        string[] files = ["file_contexts", "file_contexts.homedirs", "file_contexts.local", "file_contexts.subs", "file_contexts.subs_dist"];
        var said = await OnHost($$"""
            set -e
            mkdir /tmp/policy
            cd /tmp/policy
            cp /etc/selinux/{{policy}}/contexts/files/file_contexts* .
            rm -f *.bin
            cat >>file_contexts.local <<'END'
            {{LocalRules}}
            END
            cat >>file_contexts.subs <<'END'
            {{LocalEquivalences}}
            END
            for f in {{string.Join(' ', files)}}; do base64 -w 0 "$f"; echo; done
            """);
        var texts = said.Split('\n').Select(text => HostText.Decode(Convert.FromBase64String(text))).ToArray();
        Assert.Equal(files.Length, texts.Length);
        return new FileContexts(
            [.. FileContextsText.ReadRules(texts[0], RuleSource.Policy), .. FileContextsText.ReadRules(texts[1], RuleSource.HomeDirectories), .. FileContextsText.ReadRules(texts[2], RuleSource.Local)],
            [FileContextsText.ReadEquivalences(texts[3], files[3]), FileContextsText.ReadEquivalences(texts[4], files[4])]);
    }

    /// <summary>An answer a path; its output is a line each, without the path.</summary>
    private async Task<string[]> MatchpathconAsync(char fileType, IReadOnlyList<byte[]> paths)
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            foreach (var path in paths) await gzip.WriteAsync((byte[])[.. path, 0]);
        }

        // matchpathcon knows a type by its word's first letter.
        var word = fileType == '-' ? 'f' : fileType;
        var result = await Machine.CheckAsync($"""
            set -o pipefail
            base64 -d <<'END' | gzip -dc | xargs -0 -s 1000000 matchpathcon -f /tmp/policy/file_contexts -n -N -m {word} --
            {Convert.ToBase64String(packed.ToArray(), Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings("\n")}
            END
            """, TimeSpan.FromMinutes(30), TestContext.Current.CancellationToken);
        return result.Stdout.Split('\n')[..^1];
    }
}
