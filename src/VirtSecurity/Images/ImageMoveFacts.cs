using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>A definition that names the image.</summary>
/// <param name="Definition">The definition.</param>
/// <param name="Names">The paths by which it names it.</param>
internal sealed record ImageDefinition(GuestDefinition Definition, IReadOnlyList<string> Names)
{
    /// <summary>Whether the definition would name another file by the edit, and that one no more: not where it names it by pool and volume, or in a way that is not understood.</summary>
    public bool CanHave(GuestRedefinition edit)
    {
        if (GuestDefinitions.KindOf(edit.File) is not (DefinitionKind.Libvirt or DefinitionKind.Xl)) return false;
        var (guests, _) = GuestDefinitions.ReadGuests([Definition.File with { Text = edit.Replace(Definition.File.Text!) }]);
        return guests[0].Paths.Contains(edit.New) && !guests[0].Paths.Contains(edit.Old);
    }
}

/// <summary>What is on a host, as far as moving one image is concerned.</summary>
/// <param name="Host">The host.</param>
/// <param name="Source">The image's path and all directories above it.</param>
/// <param name="Target">The same of where it is to be.</param>
/// <param name="Ends">The file, who has it open, and what is free where it is to be.</param>
/// <param name="Definitions">Definitions, of guests that run too, which name it.</param>
/// <param name="BasedOn">Images that are based on it, by their paths.</param>
/// <param name="RelativeBacking">What it is itself based on, where its header says so by a path relative to its own directory; null: it does not.</param>
/// <param name="Kept">What libvirt keeps of guests: managed saves, snapshots and checkpoints; guest and what.</param>
/// <param name="Unfinished">Runs that somebody has yet to finish or undo.</param>
internal sealed record ImageMoveFacts(
    HostFacts Host,
    PathFacts Source,
    PathFacts Target,
    ImageMoveFact Ends,
    IReadOnlyList<ImageDefinition> Definitions,
    IReadOnlyList<string> BasedOn,
    string? RelativeBacking,
    IReadOnlyList<(string Guest, string What)> Kept,
    IReadOnlyList<JournalRun> Unfinished)
{
    /// <summary>The guests whose definitions name it.</summary>
    public IReadOnlyList<string> Guests => [.. Definitions.Select(definition => definition.Definition.Guest).Distinct().Order(StringComparer.Ordinal)];
}
