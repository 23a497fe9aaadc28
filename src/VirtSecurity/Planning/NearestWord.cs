namespace VirtSecurity.Planning;

/// <summary>The word that was probably meant.</summary>
internal static class NearestWord
{
    /// <summary>So many letters may be wrong, missing or swapped in a word of that length.</summary>
    private static int Patience(string word) => Math.Max(1, (word.Length + 1) / 3);

    /// <summary>Longer words are compared by their beginning: nobody means a word of that length.</summary>
    private const int MostCompared = 256;

    /// <summary>The nearest of some words, whatever the case; null: none is near.</summary>
    public static string? Of(string given, IEnumerable<string> words) =>
        ByDistance(given, words.Where(word => Math.Abs(word.Length - given.Length) <= Patience(word))).Where(one => one.Distance <= Patience(one.Word)).Select(one => one.Word).FirstOrDefault();

    /// <summary>The nearest of some words, however far it is.</summary>
    public static string AnyOf(string given, IEnumerable<string> words) => ByDistance(given, words).First().Word;

    /// <summary>The nearest in words, or else all that there are.</summary>
    public static string Advice(string given, IReadOnlyCollection<string> words) =>
        Of(given, words) is { } nearest ? $"the nearest is {nearest}" : $"there are {string.Join(", ", words)}";

    private static IEnumerable<(string Word, int Distance)> ByDistance(string given, IEnumerable<string> words)
    {
        var shown = (given.Length > MostCompared ? given[..MostCompared] : given).ToUpperInvariant();
        return words.Select(word => (Word: word, Distance: Distance(shown, word.ToUpperInvariant()))).OrderBy(one => one.Distance).ThenBy(one => one.Word, StringComparer.Ordinal);
    }

    /// <summary>How many letters have to be put in, taken out, exchanged or swapped with the next (the optimal string alignment distance).</summary>
    private static int Distance(string from, string to)
    {
        var rows = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++) rows[i, 0] = i;
        for (var j = 0; j <= to.Length; j++) rows[0, j] = j;
        for (var i = 1; i <= from.Length; i++)
        {
            for (var j = 1; j <= to.Length; j++)
            {
                var exchanged = rows[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(exchanged, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }

        return rows[from.Length, to.Length];
    }
}
