using VirtSecurity.Resources;

namespace VirtSecurity.Hardening;

/// <summary>What a rule has found of many things, such as images, and the verdict on all of them together.</summary>
internal sealed class Findings
{
    private readonly List<string> wrong = [];
    private readonly List<string> weak = [];
    private readonly List<string> unknown = [];
    private readonly List<string> right = [];

    /// <summary>One is not as it should be.</summary>
    public void Wrong(string evidence) => wrong.Add(evidence);

    /// <summary>One is not as it should be, but no danger by itself.</summary>
    public void Weak(string evidence) => weak.Add(evidence);

    /// <summary>Of one it could not be told.</summary>
    public void Unknown(string evidence) => unknown.Add(evidence);

    /// <summary>One is as it should be.</summary>
    public void Right(string evidence) => right.Add(evidence);

    /// <summary>One is right, or wrong.</summary>
    public void Add(bool isRight, string evidence) => (isRight ? right : wrong).Add(evidence);

    /// <summary>What is asked for, where it is known; null: it is not, and that is a finding.</summary>
    public T? Known<T>(Func<T> ask)
        where T : class
    {
        try
        {
            return ask();
        }
        catch (Exception problem) when (problem is VirtException or FormatException)
        {
            Unknown(problem.Message);
            return null;
        }
    }

    /// <summary>The verdict: what is wrong comes first; without it, what is not known, so that it never reads as Pass; then what is weak.</summary>
    /// <param name="allRight">What is, in words, where everything is right.</param>
    /// <param name="nothing">Why there is nothing to judge, where nothing was found at all.</param>
    public Verdict Settle(string allRight, string nothing)
    {
        string[] all = [.. wrong.Concat(unknown).Concat(weak).Distinct()];
        if (wrong.Count > 0) return Verdict.Fail(Verdict.Count([.. wrong.Distinct()]), all);
        if (unknown.Count > 0) return Verdict.Unknown(Verdict.Count([.. unknown.Distinct()]), all);
        if (weak.Count > 0) return Verdict.Warn(Verdict.Count(all), all);
        return right.Count > 0 ? Verdict.Pass(allRight, right.Distinct()) : Verdict.NotApplicable(nothing);
    }
}
