namespace VirtSecurity.SELinux;

/// <summary>What the file contexts say of a path.</summary>
/// <param name="Rule">The rule that gives it its label; null: none matches. It says itself in which file it stands, and where there.</param>
/// <param name="LookedUpAs">The path that was looked up: another one where there is an equivalence.</param>
/// <param name="By">The equivalences that made it another, in the order in which they did: at most one of the administrator's, then one of the distribution's.</param>
internal sealed record FileContextMatch(FileContextRule? Rule, string LookedUpAs, IReadOnlyList<FileContexts.Equivalence> By);
