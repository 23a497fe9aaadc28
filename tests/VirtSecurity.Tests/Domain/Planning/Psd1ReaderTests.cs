using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;
using VirtSecurity.Planning;
using VirtSecurity.Resources;
using VirtSecurity.Tests.Domain.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Domain.Planning;

/// <summary>A data file means here what it means to PowerShell: what is read is what PowerShell's own parser reads, and the rest is refused.</summary>
public sealed class Psd1ReaderTests
{
    public static TheoryData<string> Texts =>
    [
        "@{}", " \n\t@{ ; \n ; }\n\n", "@{ a = 1 }", "@{ a = -5; b = 1KB; c = 1.5gb; d = 010; e = 0 }", "@{ a = $true; b = $False; c = $NULL }",
        "@{ 'a b' = 'it''s'; \"c\" = \"say \"\"yes\"\"\" }", "@{ a = 'x', 'y' ,'z' }", "@{ a = 'x',\n\n 'y' }", "@{ a = @('x'\n'y';'z','w') }", "@{ a = @() ; b = @{} }", "@{ a = @(@{ b = 1 }) }",
        "@{ a = @{ b = 1 }, @{ b = 2 } }", "@{ a = @(\n # one\n 'x' # two\n <# three\n #> 'y'\n) }", "@{ a =\n\n 'x' }", "@{ From = 1; if = 2; class = 3; Process = 4; using = 5; configuration = 6; in = 7 }",
        "@{ a = 'it\u2019\u2019s \u2018\u2018' }", "@{ a = \u2018typographic\u2019 ; b = \u201cquotes\u201d }", "@{ a = \"`$x `` `\" `' $$\" }", "@{ a = \"`$x `` `\" `'\" }", "@{ a = '$x `n ; } ) #' }", "@{ a = 'x'# comment\n }",
        "@{ a = 1# no comment\n }", "@{ a = $true# \n }", "@{ a = 'x' }  # end", "@{ a = 'x' }; ", "@{ a = 'x'\n\n}#", "@{ a = <# x #> 1 <# y #> }", "@{ a = 1 2 }", "@{ a = 1,}", "@{ a = ,1 }", "@{ a = 1\r\nb = 2\rc = 3 }", "@{ a = 1GB2 }", "@{ a = 1.  }",
        "@{ a = 123456789012345678 }", "@{ a_1 = 1; _b = 2 }", "@{ a-b = 1 }", "@{ a = - 5 }", "@{ a = 5 GB }", "@{ a = 1..5 }", "@{ a = @(1 2) }", "@{ a = @{ b = 1 } c = 2 }", "@{ a = 'x''', '''' }", "@{ a\n= 1 }", "@{ a = '\U0001F512 \u00e9' }",
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void WhatIsReadIsWhatPowerShellReads(string text) => Compare(text);

    /// <summary>So that the comparison does not pass because everything is refused.</summary>
    [Fact]
    public void MostOfThemAreRead() => Assert.True(Texts.Count(text => Ours(text.Data) is not null) > 20);

    [Fact]
    public void WhatIsMadeUpIsReadAlike()
    {
        string[] pieces = ["@{", "}", "@(", ")", "=", ",", ";", "\n", " ", "a", "B", "'x'", "\"y\"", "''", "'", "\"", "\u2019", "\u201d", "1", "2kb", "-3", "1.5", "$true", "$null", "$x", "#", "<#", "#>", "`", "a = 1", "b = @('x')", "@{ c = 2 }", "\r\n", "\t", "."];
        var random = new RandomText(7);
        var read = 0;
        for (var i = 0; i < 6000; i++)
        {
            var text = new StringBuilder("@{ ");
            for (var length = random.Below(9); length >= 0; length--) text.Append(pieces[random.Below(pieces.Length)]);
            text.Append(random.Below(8) == 0 ? "" : " }");
            if (Compare(text.ToString())) read++;
        }

        // One is damaged: the texts above are mostly nonsense, and what is one token from right matters more.
        const string right = "@{ a = 'x', \"y\"; b = @('z'\n 1kb) # c\n d = @{ e = $true; 'f g' = -2 } }";
        for (var i = 0; i < 3000; i++)
        {
            var (from, length) = (random.Below(right.Length), random.Below(3));
            if (Compare(right[..from] + pieces[random.Below(pieces.Length)] + right[Math.Min(right.Length, from + length)..])) read++;
        }

        Assert.True(read > 300, $"{read} were read");
    }

    /// <summary>Whether it was read.</summary>
    private static bool Compare(string text)
    {
        if (Ours(text) is not { } ours) return false;
        Assert.True(Theirs(text) == ours, $"of {text}\nwe read {ours}\nPowerShell {Theirs(text)}");
        return true;
    }

    /// <summary>Null: refused, or keys are there twice, which PowerShell's parser refuses and we judge later.</summary>
    private static string? Ours(string text)
    {
        try
        {
            return SaidByUs(Psd1Reader.Read("a.psd1", text));
        }
        catch (VirtException problem)
        {
            Assert.Equal("PlanNotUnderstood", problem.Id);
            return null;
        }
    }

    private static string Theirs(string text)
    {
        var ast = Parser.ParseInput(text, out _, out var errors);
        if (errors.Length > 0) return $"errors: {string.Join("; ", errors.Select(error => error.Message))}";
        if (ast.EndBlock?.Statements is not [PipelineAst { PipelineElements: [CommandExpressionAst { Expression: HashtableAst table }] }]) return "no table";
        return SaidByThem(table.SafeGetValue());
    }

    private static string? SaidByUs(PlanNode node) => node switch
    {
        PlanMap map when map.Entries.Select(entry => entry.Key).Distinct(StringComparer.OrdinalIgnoreCase).Count() < map.Entries.Count => null,
        PlanMap map => map.Entries.Select(entry => (entry.Key, Value: SaidByUs(entry.Value))).ToArray() is var all && all.All(one => one.Value is not null)
            ? $"{{{string.Join(';', all.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Key}={one.Value}"))}}}" : null,
        PlanList list => list.Items.Select(SaidByUs).ToArray() is var all && all.All(one => one is not null) ? $"[{string.Join(',', all)}]" : null,
        PlanScalar { Value: decimal number } => number.ToString("0.#####", CultureInfo.InvariantCulture),
        PlanScalar scalar => Scalar(scalar.Value),
        _ => throw new InvalidOperationException(),
    };

    private static string SaidByThem(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        Hashtable table => $"{{{string.Join(';', table.Keys.Cast<string>().Order(StringComparer.Ordinal).Select(key => $"{key}={SaidByThem(table[key])}"))}}}",
        object?[] items => $"[{string.Join(',', items.Select(SaidByThem))}]",
        string or bool or null => Scalar(value is PSObject inner ? inner.BaseObject : value),
        var number => Convert.ToDecimal(number, CultureInfo.InvariantCulture).ToString("0.#####", CultureInfo.InvariantCulture),
    };

    private static string Scalar(object? value) => value switch { null => "null", string text => $"'{text}'", var other => $"{other}" };
}
