namespace VirtSecurity.Hardening.Rules;

/// <summary>Guests' images: where they lie, how they are labelled, who uses them.</summary>
internal static class ImageRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "Images";

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
        [.. ImagePlaceRules.All.Concat(ImageLabelRules.All).Concat(ImageContextRules.All).Concat(ImageUseRules.All).OrderBy(rule => rule.Id, StringComparer.Ordinal)];
}
