// Every real data set is found whole, with the modality, matrix, spacing and frames that its description names.
#include "iqgate/read/find_scans.hpp"
#include "support/support.hpp"

namespace iqgate::read {
namespace {

struct Set {
  const char *name, *modality;
  std::size_t columns, rows, slices;  ///< of one volume
  double pixel_mm;
  std::size_t frames, volumes;  ///< in all
};

// From the data sets' own description (README), not from this reader.
const std::vector<Set> sets{
    {"actilib/ct_mercury_nps_naeotom", "CT", 512, 512, 16, 0.7693, 16, 1},
    {"catphan404/ct_catphan_elekta_xvi", "CT", 540, 540, 2, 0.5, 2, 1},
    {"derived/transcoded_from_acr_philips_achieva_3t", "MR", 256, 256, 1, 0.9766, 1, 1},  // nine copies of one instance
    {"fmriqa/mr_fmri_stability", "", 80, 80, 1, 1, 200, 1},
    {"hazen/acr_ge_artist_1.5t_t1", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_ge_signa_1.5t_t1", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_ge_signa_artist_1.5t_t1", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_ge_signa_artist_1.5t_t2", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_ge_signa_hdxt_1.5t_512", "MR", 512, 512, 11, 0.5078, 11, 1},
    {"hazen/acr_philips_achieva_1.5t", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_philips_achieva_3t", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_philips_achieva_3t_sag", "MR", 256, 256, 1, 0.9766, 1, 1},
    {"hazen/acr_philips_dstream_3t_a", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_philips_dstream_3t_b", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_siemens_aera_1.5t_t1", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_siemens_aera_1.5t_t2", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_siemens_skyra_3t", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_siemens_skyra_3t_repeat", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_siemens_skyra_3t_t2", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_siemens_sola_1.5t_mtf", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_siemens_sola_1.5t_t1_enhanced", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/acr_siemens_solafit_1.5t_b", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"hazen/ghosting_philips_ingenia", "MR", 352, 352, 1, 0.7102, 2, 2},
    {"hazen/relax_t1_plate4_ge_mr450w", "MR", 256, 256, 1, 0.9766, 6, 6},
    {"hazen/relax_t1_plate4_philips_ingenia", "MR", 192, 192, 1, 1.302, 6, 6},
    {"hazen/relax_t1_plate5_philips_ingenia", "MR", 192, 192, 1, 1.302, 6, 6},
    {"hazen/relax_t1_plate5_siemens_aera", "MR", 192, 192, 1, 1.302, 6, 6},
    {"hazen/relax_t2_plate4_ge_mr450w", "MR", 256, 256, 1, 0.9766, 8, 8},
    {"hazen/relax_t2_plate4_philips_ingenia", "MR", 192, 192, 1, 1.302, 32, 32},
    {"hazen/resolution_philips_ingenia_512", "MR", 512, 512, 1, 0.4883, 1, 1},
    {"hazen/resolution_siemens_skyra_512", "MR", 512, 512, 1, 0.4883, 1, 1},
    {"hazen/slicepos_canon_galan_3t", "MR", 256, 256, 60, 0.9766, 60, 1},
    {"hazen/slicewidth_siemens_avanto", "MR", 256, 256, 1, 1, 1, 1},
    {"hazen/snr_enhanced_headneck", "MR", 256, 256, 1, 0.9766, 2, 2},
    {"hazen/snr_philips_ingenia", "MR", 256, 256, 1, 0.9766, 2, 2},
    {"hazen/snr_siemens_aera", "MR", 256, 256, 1, 0.9766, 2, 2},
    {"hazen/uniformity_axial_oil_aera", "MR", 256, 256, 1, 0.9766, 1, 1},
    {"hazen/uniformity_sag_avantofit", "MR", 256, 256, 1, 0.9766, 1, 1},
    {"imageqc/ct_ctp404_biograph128", "CT", 512, 512, 3, 0.293, 3, 1},
    {"imageqc/ct_ctp486_definition", "CT", 512, 512, 3, 0.4883, 3, 1},
    {"imageqc/ct_wire_definition", "CT", 512, 512, 3, 0.09766, 3, 1},
    {"imageqc/mr_piqt_philips_enhanced", "MR", 256, 256, 1, 0.9766, 1, 1},
    {"imageqc/mr_water_uncentred_philips", "MR", 256, 256, 1, 1.758, 1, 1},
    {"imageqc/nm_edge_det1_encore2", "NM", 512, 512, 1, 1.199, 1, 1},
    {"imageqc/nm_linesource_encore2", "NM", 256, 256, 1, 2.398, 1, 1},
    {"imageqc/pet_body_phantom_mct", "PT", 400, 400, 36, 2.036, 36, 1},
    {"lcd_ct/ct_mita_lcd_fbp", "", 256, 256, 10, 1, 41, 5},  // four stacks of ten and a ground truth of one slice
    {"linaqa/mr_acr_ge_mr750w_3t_a", "MR", 256, 256, 11, 0.9766, 11, 1},
    {"linaqa/nm_mcr_mediso_anyscan", "NM", 128, 128, 30, 4.258, 30, 1},
    {"linaqa/pet_uniformity_discovery_iq", "PT", 128, 128, 79, 1.953, 79, 1},
    {"mri_distortion/mr_distortion_avanto", "MR", 128, 128, 11, 2.578, 11, 1},
    {"nmqc/nm_fourbar_mediso", "NM", 512, 512, 1, 1.032, 1, 1},
    {"nmqc/nm_lineresolution_mediso", "NM", 512, 512, 1, 1.032, 2, 2},
    {"nmqc/nm_quadrantbar_mediso", "NM", 512, 512, 1, 1.032, 1, 1},
    {"nmqc/nm_uniformity_circular_mhd", "", 256, 256, 1, 2.065, 1, 1},
    {"nmqc/nm_uniformity_mediso", "NM", 256, 256, 1, 2.065, 1, 1},
    {"nmqc/spect_jaszczak_mediso", "NM", 128, 128, 45, 4.13, 45, 1},
    {"pylinac/ct_catphan504_varian_obi_a", "CT", 512, 512, 64, 0.8789, 64, 1},  // a zip, with a structure set
    {"pylinac/rt_lasvegas_demo", "RTIMAGE", 1280, 1280, 1, 0.336, 1, 1},
    {"pylinac/rt_leeds_tor18", "RTIMAGE", 1024, 768, 1, 0.388, 1, 1},
    {"pylinac/rt_qc3_2.5mv_a", "RTIMAGE", 1280, 1280, 1, 0.336, 1, 1},
    {"pylinac/rt_qc3_demo", "RTIMAGE", 1024, 768, 1, 0.392, 1, 1},
    {"pynemaiqpet/pet_nema_iq_recon_1", "PT", 192, 192, 89, 2.083, 89, 1},
};

void PrintTo(const Set& set, std::ostream* out) { *out << set.name; }

class RealScans : public ::testing::TestWithParam<Set> {};

TEST_P(RealScans, AreFoundWhole) {
  const Set& set = GetParam();
  IQGATE_NEED_DATA(set.name);
  std::size_t frames = 0, volumes = 0;
  for (const ScanHeader& h : find_scans({test::data_folder() + "/" + set.name})) {
    if (!h.usable) {
      EXPECT_FALSE(h.is_scan) << h.code << ": " << h.reason;
      continue;
    }
    ++volumes;
    frames += h.frames;
    EXPECT_EQ(h.modality, set.modality);
    EXPECT_EQ(h.grid.size.x, set.columns);
    EXPECT_EQ(h.grid.size.y, set.rows);
    EXPECT_NEAR(h.grid.spacing_mm.x / set.pixel_mm, 1, 6e-4);  // the description gives four digits
    if (volumes == 1) EXPECT_EQ(h.grid.size.z, set.slices);
    EXPECT_NO_THROW(load_scan(h));
  }
  EXPECT_EQ(frames, set.frames);
  EXPECT_EQ(volumes, set.volumes);
}

INSTANTIATE_TEST_SUITE_P(All, RealScans, ::testing::ValuesIn(sets), [](const auto& info) {
  std::string name = info.param.name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

TEST(RealScansRefused, FiveOfManySlicesAreNoVolume) {
  // imageqc/pet_water_mct holds 5 slices picked from a series, at -120, -111, -39, -36 and -33 mm: the gate must not
  // stack them. It is found with its modality and matrix, and refused by name.
  IQGATE_NEED_DATA("imageqc/pet_water_mct");
  const auto headers = find_scans({test::data_folder() + "/imageqc/pet_water_mct"});
  ASSERT_EQ(headers.size(), 1u);
  EXPECT_EQ(headers[0].modality, "PT");
  EXPECT_EQ(headers[0].grid.size.x, 200u);
  EXPECT_EQ(headers[0].frames, 5u);
  EXPECT_NEAR(headers[0].grid.spacing_mm.x, 4.073, 0.001);
  EXPECT_EQ(headers[0].code, "missing_slices");
}

TEST(RealScansTranscoded, NineEncodingsHaveEqualPixels) {
  IQGATE_NEED_DATA("derived/transcoded_from_acr_philips_achieva_3t");
  const std::string folder = test::data_folder() + "/derived/transcoded_from_acr_philips_achieva_3t";
  Voxels reference;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto headers = find_scans({entry.path().string()});
    ASSERT_EQ(headers.size(), 1u);
    ASSERT_TRUE(headers[0].usable) << entry.path() << headers[0].reason;
    const auto values = load_scan(headers[0])[0].volume.values;
    if (reference.empty()) reference = values;
    EXPECT_EQ(values, reference) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 9);
}

}  // namespace
}  // namespace iqgate::read
